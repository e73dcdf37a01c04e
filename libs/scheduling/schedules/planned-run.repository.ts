// The runs that were planned for a schedule, ahead of their due times, and may still be taken back.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';
import { ASKED_FOR } from '#scheduling/decisions/planning.js';
import type { Schedule } from './schedule.repository.js';

const STILL_AHEAD = sql` and (f.jitter_ms is null or f.due_at > now())`;

/**
 * Takes back planned runs that no owner has claimed, with their fires, which decided nothing yet. The caller has held
 * off the owner's claims, so that a claim is either visible here or comes after this. Resolves with the due times that
 * are open again. Runs of a former spec that were claimed when it was replaced stay, even if they were put back since:
 * planning that began there again would ask the present spec for due times that it never had. Runs of a backfill and
 * retried ones stay, too, since a request has asked for each of them. A due time that has passed, but whose run starts
 * later by the schedule's jitter, stays as it was planned, unless `alsoDue`.
 */
export async function revokePlanned(
  tx: Tx,
  { id: scheduleId, specSince }: Pick<Schedule, 'id' | 'specSince'>,
  { alsoDue }: { alsoDue: boolean },
): Promise<Date[]> {
  const { rows } = await sql<{ dueAt: Date }>`
    with revoked as (
      delete from carillon.run r
       where r.schedule_id = ${scheduleId} and r.due_at > coalesce(${specSince}::timestamptz, '-infinity')
         and not exists (select 1 from carillon.claim c where r.id = any(c.run_ids))
         and not exists (select 1 from carillon.lease l where l.run_id = r.id)
         and exists (select 1 from carillon.fire f
                      where f.schedule_id = r.schedule_id and f.due_at = r.due_at and f.outcome = 'planned'
                        and coalesce(f.reason, '') not in (${sql.join(ASKED_FOR.map((reason) => sql.lit(reason)))})${alsoDue ? sql`` : STILL_AHEAD})
      returning r.id, r.due_at)
    delete from carillon.fire f
     using revoked
     where f.schedule_id = ${scheduleId} and f.due_at = revoked.due_at and f.run_id = revoked.id
    returning f.due_at as "dueAt"`.execute(tx);
  return rows.map((row) => row.dueAt);
}
