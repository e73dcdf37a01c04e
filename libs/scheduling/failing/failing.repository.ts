// Finds schedules that are to pause, because their runs fail one after the other. A trigger notes each failed run of a
// schedule that wants that (migrations/0029).
import { sql } from 'kysely';
import type { Question } from '#cluster/lookout/lookout.repository.js';
import type { Database } from '#database/connection.js';
import type { ScheduleId, Slot, TenantId } from '#kernel/ids.js';

export interface FailingSchedule {
  id: ScheduleId;
  tenantId: TenantId;
  slot: Slot;
  name: string;
  revision: number;
  failures: number;
}

interface FailureRow extends FailingSchedule {
  notes: string[];
  /** It is to pause now. */
  isDue: boolean;
}

export interface NotedFailures {
  /** Those that were read, by schedule. */
  notes: Map<ScheduleId, string[]>;
  /** Those that are to pause. */
  failing: FailingSchedule[];
}

export const isAnyFailure: Question = sql`(select min(id) from carillon.schedule_failure) is not null`;

/** The schedules of the oldest notes. A schedule that is paused already, or gone, is not among the failing. */
export async function readFailures(db: Database, limit: number): Promise<NotedFailures> {
  const { rows } = await sql<FailureRow>`
    with noted as materialized (select id, schedule_id from carillon.schedule_failure order by id limit ${limit})
    select n.id, n.notes, s.tenant_id as "tenantId", s.slot, s.name, s.revision, f.failures,
           f.failures >= s.pause_after_failures as "isDue"
      from (select schedule_id as id, array_agg(id::text) as notes from noted group by schedule_id) n
      left join carillon.schedule s
        on s.id = n.id and s.pause_after_failures is not null
       and not (s.state = 'paused' and (s.paused_until is null or s.paused_until > now()))
      left join lateral (select carillon.consecutive_failures(s.id, s.failures_since) as failures) f on true`.execute(
    db,
  );
  return {
    notes: new Map(rows.map(({ id, notes }) => [id, notes])),
    failing: rows.filter(({ isDue }) => isDue),
  };
}

/** Just these: a smaller number may be committed after a larger one was read. */
export async function forgetFailures(db: Database, notes: readonly string[]): Promise<void> {
  await sql`delete from carillon.schedule_failure where id = any(${[...notes]}::bigint[])`.execute(db);
}
