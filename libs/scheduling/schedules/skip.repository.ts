// Due times that are skipped because a request asks for it, before they have come: their rows in the ledger, and the runs
// that were planned for them.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import { isDueTimeOf } from '#database/due-time-key.js';
import type { ScheduleId, TenantId } from '#kernel/ids.js';

/** The reason in the ledger. */
const REQUESTED = 'requested';

/** How many due times ahead are decided already, because requests have skipped them. */
export async function countSkippedAhead(db: Database, scheduleId: ScheduleId): Promise<number> {
  const { count } = await db
    .selectFrom('fire')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('schedule_id', '=', scheduleId)
    .where('due_at', '>', sql<Date>`clock_timestamp()`)
    .where('outcome', '<>', 'planned')
    .executeTakeFirstOrThrow();
  return count;
}

/** The outcomes of those of these due times that have a row. */
export async function findOutcomes(
  db: Database,
  { scheduleId, dueTimes }: { scheduleId: ScheduleId; dueTimes: readonly Date[] },
): Promise<Map<number, string>> {
  const { rows } = await sql<{ dueAt: Date; outcome: string }>`
    select due_at as "dueAt", outcome from carillon.fire
     where schedule_id = ${scheduleId} and due_at = any(${[...dueTimes]}::timestamptz[])`.execute(db);
  return new Map(rows.map(({ dueAt, outcome }) => [dueAt.getTime(), outcome]));
}

/**
 * Takes the runs of planned due times back, and skips the due times. The caller has held off the owner's claims: a run
 * that is claimed by then, or has had an attempt, stays as it is. Resolves with what was skipped.
 */
export async function skipPlannedAhead(
  tx: Tx,
  { scheduleId, dueTimes }: { scheduleId: ScheduleId; dueTimes: readonly Date[] },
): Promise<Date[]> {
  const { rows } = await sql<{ dueAt: Date }>`
    with back as (
      delete from carillon.run r
       where r.schedule_id = ${scheduleId} and r.due_at = any(${[...dueTimes]}::timestamptz[]) and r.attempt = 1
         and not exists (select 1 from carillon.claim c where r.id = any(c.run_ids))
         and not exists (select 1 from carillon.lease l where l.run_id = r.id)
         and exists (select 1 from carillon.fire f
                      where f.schedule_id = r.schedule_id and f.due_at = r.due_at and f.outcome = 'planned')
      returning r.id, r.schedule_id, r.due_at)
    update carillon.fire f set outcome = 'skipped', reason = ${REQUESTED}, run_id = null
      from back
     where ${isDueTimeOf('back')} and f.run_id = back.id
    returning f.due_at as "dueAt"`.execute(tx);
  return rows.map(({ dueAt }) => dueAt);
}

/** I1: a due time that has its row by now keeps it. Resolves with what was skipped. */
export async function skipUnplanned(
  tx: Tx,
  {
    scheduleId,
    tenantId,
    dueTimes,
  }: { scheduleId: ScheduleId; tenantId: TenantId; dueTimes: readonly Date[] },
): Promise<Date[]> {
  const { rows } = await sql<{ dueAt: Date }>`
    insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, reason, term)
    select ${scheduleId}, due.at, ${tenantId}, 'skipped', ${REQUESTED}, l.term
      from unnest(${[...dueTimes]}::timestamptz[]) as due (at)
     cross join carillon.leadership l
    on conflict (schedule_id, due_at) do nothing
    returning due_at as "dueAt"`.execute(tx);
  return rows.map(({ dueAt }) => dueAt);
}

/** The spec that asked for them is replaced, or their schedule deleted: they will never be due. */
export async function forgetSkippedAhead(
  tx: Tx,
  { scheduleId, now }: { scheduleId: ScheduleId; now: Date },
): Promise<void> {
  await sql`
    delete from carillon.fire
     where schedule_id = ${scheduleId} and due_at > ${now} and outcome = 'skipped' and reason = ${REQUESTED}`.execute(
    tx,
  );
}

/** The caller holds the schedule, whose revision stays: what it says has not changed. */
export async function moveNextDue(
  tx: Tx,
  { scheduleId, nextDueAt }: { scheduleId: ScheduleId; nextDueAt: Date | null },
): Promise<void> {
  await tx.updateTable('schedule').set({ next_due_at: nextDueAt }).where('id', '=', scheduleId).execute();
}
