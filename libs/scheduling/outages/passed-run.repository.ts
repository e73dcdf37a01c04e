// Finds runs that could have started only in an outage, with what their schedules say about that, and takes back those that
// are not caught up on: such a run goes, as one of a due time that was never planned, and its due time is decided.
import { sql } from 'kysely';
import { plainArray } from '#database/array-text.js';
import type { Tx } from '#database/connection.js';
import { isDueTimeOf, isOpenDueTimeOf } from '#database/due-time-key.js';
import type { ClaimId, RunId, ScheduleId } from '#kernel/ids.js';

export interface LateRun {
  id: RunId;
  scheduleId: ScheduleId;
  dueAt: Date;
  /** When it was to start. */
  runAt: Date;
}

export interface PassedRun {
  id: RunId;
  dueAt: Date;
  outageEndedAt: Date;
  /** As they are stored. */
  spec: unknown;
  catchUp: unknown;
  /** Of a schedule whose due times follow from runs: those that were known when the outage was over, from this one on. */
  known: Date[];
}

/**
 * Those of the runs that were to start in an outage, longer before its end than the grace. In time before it, a run
 * waited for another reason. A due time that is decided, or whose run a backfill has made or a request has brought
 * back, is not among them, and neither is one that another spec of the schedule asked for.
 */
export async function findPassed(
  tx: Tx,
  runs: readonly LateRun[],
  { graceMs }: { graceMs: number },
): Promise<PassedRun[]> {
  const { rows } = await sql<PassedRow>`
    with asked as materialized (
      select a.run_id, a.schedule_id, a.due_at, o.to_at
        from unnest(${plainArray(runs.map(({ id }) => id))}::uuid[],
                    ${plainArray(runs.map(({ scheduleId }) => scheduleId))}::uuid[],
                    ${plainArray(runs.map(({ dueAt }) => dueAt.toISOString()))}::timestamptz[],
                    ${plainArray(runs.map(({ runAt }) => runAt.toISOString()))}::timestamptz[]) as a (run_id, schedule_id, due_at, run_at)
       cross join lateral (
         select to_at from carillon.outage where from_at < a.run_at order by from_at desc limit 1) o
       where o.to_at > a.run_at + make_interval(secs => ${graceMs / 1000}::float8))
    select a.run_id as id, date_part('epoch', a.due_at) * 1000 as "dueMs", date_part('epoch', a.to_at) * 1000 as "endedMs",
           s.spec, s.catch_up as "catchUp",
           case when s.spec ->> 'kind' in ('delay', 'follow')
                then array(select date_part('epoch', k.due_at) * 1000
                             from (select due_at from carillon.fire
                                    where schedule_id = a.schedule_id and due_at >= a.due_at and due_at <= a.to_at
                                    union select s.next_due_at where s.next_due_at <= a.to_at
                                    order by 1 limit 1000) k)
                else '{}' end as "knownMs"
      from asked a
     cross join lateral (
       select 1 from carillon.fire f
        where ${isDueTimeOf('a')} and f.run_id = a.run_id and f.outcome = 'planned' and f.reason is null
        limit 1) open
     cross join lateral (
       select spec, catch_up, next_due_at, spec_since from carillon.schedule where id = a.schedule_id limit 1) s
     where s.spec_since is null or s.spec_since < a.due_at`.execute(tx);
  return rows.map(({ dueMs, endedMs, knownMs, ...row }) => ({
    ...row,
    dueAt: instant(dueMs),
    outageEndedAt: instant(endedMs),
    known: knownMs.map(instant),
  }));
}

interface PassedRow extends Pick<PassedRun, 'id' | 'spec' | 'catchUp'> {
  dueMs: number;
  endedMs: number;
  knownMs: number[];
}

function instant(ms: number): Date {
  return new Date(Math.round(ms));
}

/** A run that its schedule does not catch up on, and what becomes of its due time. */
export interface UnwantedRun {
  id: RunId;
  outcome: 'missed' | 'coalesced';
  reason: string;
}

/**
 * Takes these runs, which the claim has just taken, out of it and back, each with its due time (I1). Locked runs are only
 * taken out of the claim: a transaction that claims waits for no row of a run, and the next claim finds them again.
 */
export async function takeBackPassed(
  tx: Tx,
  { claimId, runs }: { claimId: ClaimId; runs: readonly UnwantedRun[] },
): Promise<void> {
  const ids = plainArray(runs.map(({ id }) => id));
  await sql`
    with free as (
      select id from carillon.run where id = any(${ids}::uuid[]) and attempt = 1 order by id for update skip locked),
    gone as (
      delete from carillon.run r using free where r.id = any(${ids}::uuid[]) and r.id = free.id
      returning r.id, r.schedule_id, r.due_at),
    decided as (
      update carillon.fire f set outcome = u.outcome, reason = u.reason, run_id = null, planned_at = clock_timestamp()
        from gone g
        join unnest(${ids}::uuid[],
                    ${plainArray(runs.map(({ outcome }) => outcome))}::text[],
                    ${runs.map(({ reason }) => reason)}::text[]) as u (id, outcome, reason) on u.id = g.id
       where ${isOpenDueTimeOf('g')} and f.run_id = g.id)
    update carillon.claim set run_ids = array(select held from unnest(run_ids) as held where held <> all(${ids}::uuid[]))
     where id = ${claimId}`.execute(tx);
}

/** A claim that has no run left would name none for ever. */
export async function dropIfEmpty(tx: Tx, claimId: ClaimId): Promise<void> {
  await tx
    .deleteFrom('claim')
    .where('id', '=', claimId)
    .where(sql`cardinality(run_ids)`, '=', 0)
    .execute();
}
