// What became of a schedule's due times before that of a run? Asked for on demand, so that a run that does not ask costs
// nothing, and answered from the ledger by its key, newest first, no farther back than so many rows.
import { sql } from 'kysely';
import type { PreviousFire } from '#client/jobs/job-schedules.js';
import type { Database } from '#database/connection.js';
import type { ScheduleId, TenantId } from '#kernel/ids.js';

/** A day of a schedule that is due each nine seconds. */
const LOOKED_AT_MAX = 10_000;

/** Null for a run that has no due time. */
export async function findPreviousFire(
  db: Database,
  { tenantId, scheduleId, dueAt }: { tenantId: TenantId; scheduleId: ScheduleId | null; dueAt: Date | null },
): Promise<PreviousFire | null> {
  if (scheduleId === null || dueAt === null) return null;
  // The first subquery stops at the first row that fits, since its rows come in the order of the key.
  const { rows } = await sql<PreviousFire>`
    select p.at as "previousDueAt", b.missed as "missedCount",
           (p.at is not null or b.looked < ${LOOKED_AT_MAX})
           and not exists (select 1 from carillon.schedule_gap g where g.schedule_id = ${scheduleId} and g.from_at < ${dueAt}) as "isComplete"
      from (select (select l.due_at
                      from (select due_at, outcome from carillon.fire
                             where schedule_id = ${scheduleId} and tenant_id = ${tenantId} and due_at < ${dueAt}
                             order by due_at desc
                             limit ${LOOKED_AT_MAX}) l
                     where l.outcome in ('fired', 'late')
                     order by l.due_at desc
                     limit 1) as at) p
     cross join lateral (
           select count(*) filter (where m.outcome in ('skipped', 'coalesced', 'missed'))::int as missed, count(*)::int as looked
             from (select outcome from carillon.fire
                    where schedule_id = ${scheduleId} and tenant_id = ${tenantId} and due_at < ${dueAt} and due_at > coalesce(p.at, '-infinity')
                    order by due_at desc
                    limit ${LOOKED_AT_MAX}) m) b`.execute(db);
  return rows[0] ?? null;
}
