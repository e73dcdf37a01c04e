// What a schedule said in each of its revisions: the present one is its row, and former ones are kept beside it, by a
// trigger (migrations/0030). A schedule that was deleted has its former ones alone.
import { sql, type Selectable } from 'kysely';
import type { Database } from '#database/connection.js';
import { readFitting, type FittingPage } from '#database/fitting-page.repository.js';
import type { ScheduleTables } from '#database/tables/schedule-schema.js';
import type { ScheduleId, TenantId } from '#kernel/ids.js';
import type { Awaiting } from '#scheduling/following/waiting.repository.js';
import { readable, saidColumns } from '#scheduling/schedules/schedule-row.js';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';

/** All that the schedule said, and who said it. */
export interface Revision extends Omit<
  Schedule,
  'consecutiveFailures' | 'isPaused' | 'plannedDueAt' | keyof Awaiting
> {
  /** Null when it is not known. */
  by: string | null;
  /** When the schedule was deleted as it was then; null for a revision that was replaced, or is the present one. */
  deletedAt: Date | null;
  deletedBy: string | null;
}

/** The newest first; those before the given one. */
export async function listRevisions(
  db: Database,
  { scheduleId, before, limit }: { scheduleId: ScheduleId; before: number | null; limit: number },
): Promise<FittingPage<Revision>> {
  // A former one keeps its payload only where the next one has another.
  const said = sql<Selectable<ScheduleTables['schedule']> & Said>`
    (select s.*, null::timestamptz as deleted_at, null::text as deleted_by from carillon.schedule s where id = ${scheduleId}
      union all
     select (jsonb_populate_record(null::carillon.schedule, r.said || jsonb_build_object('payload', coalesce(r.payload,
              (select l.payload from carillon.schedule_revision l
                where l.schedule_id = r.schedule_id and l.revision > r.revision and l.payload is not null
                order by l.revision limit 1),
              (select payload from carillon.schedule where id = r.schedule_id))))).*,
            case when r.is_deleted then r.ended_at end, r.deleted_by
       from (select * from carillon.schedule_revision
              where schedule_id = ${scheduleId} and (${before}::bigint is null or revision < ${before})
              order by revision desc
              limit ${limit}) r)`.as('schedule');
  const wanted = db
    .selectFrom(said)
    .select([
      ...saidColumns,
      'deleted_at as deletedAt',
      'deleted_by as deletedBy',
      sql<string | null>`case when changed_in = revision then changed_by end`.as('by'),
    ])
    .$if(before !== null, (query) => query.where('revision', '<', before ?? 0))
    .orderBy('revision', 'desc')
    .limit(limit);
  const { rows, isCut } = await readFitting(db, wanted);
  return { rows: rows.map(readable), isCut };
}

interface Said {
  deleted_at: Date | null;
  deleted_by: string | null;
}

/** Whether the tenant has a schedule of this id, or had one of which a revision or the ledger is kept. */
export async function hasPast(
  db: Database,
  { tenantId, scheduleId }: { tenantId: TenantId; scheduleId: ScheduleId },
): Promise<boolean> {
  const { rows } = await sql<{ isThere: boolean }>`
    select exists (select 1 from carillon.schedule where id = ${scheduleId} and tenant_id = ${tenantId})
        or exists (select 1 from carillon.schedule_revision where schedule_id = ${scheduleId} and tenant_id = ${tenantId})
        or exists (select 1 from carillon.fire where schedule_id = ${scheduleId} and tenant_id = ${tenantId}) as "isThere"`.execute(
    db,
  );
  return rows[0]?.isThere === true;
}

/** Those that ended before the ledger that they explain. */
export async function forgetRevisions(
  db: Database,
  { olderThanDays }: { olderThanDays: number },
): Promise<void> {
  await db
    .deleteFrom('schedule_revision')
    .where('ended_at', '<', sql<Date>`now() - make_interval(days => ${olderThanDays})`)
    .execute();
}
