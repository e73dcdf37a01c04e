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
  upTo: number | null;
  count: number;
  /** It is to pause now. */
  isDue: boolean;
}

export interface NotedFailures {
  /** How many notes were read. */
  count: number;
  /** Up to this number the notes were read; null when there are none. */
  upTo: number | null;
  schedules: FailingSchedule[];
}

export const isAnyFailure: Question = sql`(select min(id) from carillon.schedule_failure) is not null`;

/** The schedules of the oldest notes. A schedule that is paused already, or gone, is not among them. */
export async function readFailures(db: Database, limit: number): Promise<NotedFailures> {
  const { rows } = await sql<FailureRow>`
    with noted as materialized (select id, schedule_id from carillon.schedule_failure order by id limit ${limit})
    select (select max(id) from noted) as "upTo", (select count(*)::int from noted) as count, s.id, s.tenant_id as "tenantId", s.slot, s.name, s.revision, f.failures,
           f.failures >= s.pause_after_failures as "isDue"
      from (select distinct schedule_id as id from noted) n
      left join carillon.schedule s
        on s.id = n.id and s.pause_after_failures is not null
       and not (s.state = 'paused' and (s.paused_until is null or s.paused_until > now()))
      left join lateral (select carillon.consecutive_failures(s.id, s.failures_since) as failures) f on true`.execute(
    db,
  );
  const { upTo = null, count = 0 } = rows[0] ?? {};
  return { upTo, count, schedules: rows.filter(({ isDue }) => isDue) };
}

/** But for those of schedules that are to be looked at again. */
export async function forgetFailures(
  db: Database,
  { upTo, except }: { upTo: number; except: readonly ScheduleId[] },
): Promise<void> {
  await db
    .deleteFrom('schedule_failure')
    .where('id', '<=', upTo)
    .$if(except.length > 0, (query) => query.where('schedule_id', 'not in', except))
    .execute();
}
