// Writes the ends of attempts. All statements run in one transaction behind the replica gate, and the first locks the
// claims: an attempt whose claim is gone was revoked, and nothing of it is written (I2, I4).
import { sql } from 'kysely';
import { plainArray } from '#database/array-text.js';
import type { Tx } from '#database/connection.js';
import { isBetweenDueTimes, isOpenDueTimeOf } from '#database/due-time-key.js';
import type { RunOutcome } from '#database/tables/schema.js';
import type { ClaimId, ReplicaNumber, RunId, ScheduleId } from '#kernel/ids.js';
import { keptColumns, newestAttempts } from '#execution/runs/run-columns.js';

/**
 * Locks the claims that are still ours. A leader that revokes one deletes its row, so either the owner or the leader
 * finds nothing.
 */
export async function lockClaims(
  tx: Tx,
  { replica, claimIds }: { replica: ReplicaNumber; claimIds: readonly ClaimId[] },
): Promise<Set<ClaimId>> {
  const { rows } = await sql<{ id: ClaimId }>`
    select id from carillon.claim
     where replica = ${replica} and id = any(${[...claimIds]}::uuid[])
     order by id
       for update`.execute(tx);
  return new Set(rows.map((row) => row.id));
}

/**
 * Which of these runs, by their indexes, have no written end: the claim is there and names the run, and the run is in
 * the same attempt. The caller has locked the claims.
 */
export async function stillClaimed(
  tx: Tx,
  {
    replica,
    runs,
  }: { replica: ReplicaNumber; runs: readonly { id: RunId; attempt: number; claimId: ClaimId }[] },
): Promise<Set<number>> {
  const { rows } = await sql<{ place: number }>`
    select e.place::int - 1 as place
      from unnest(${runs.map((run) => run.id)}::uuid[],
                  ${runs.map((run) => run.attempt)}::int[],
                  ${runs.map((run) => run.claimId)}::uuid[]) with ordinality as e (id, attempt, claim_id, place)
      join carillon.claim c on c.id = e.claim_id and c.replica = ${replica} and e.id = any(c.run_ids)
     where exists (select 1 from carillon.run r where r.id = e.id and r.attempt = e.attempt)`.execute(tx);
  return new Set(rows.map((row) => row.place));
}

export interface StartedFire {
  scheduleId: ScheduleId;
  dueAt: Date;
  startedAt: Date;
}

/** Decides fires, each once: only a planned one is still open (I1). They are late by when they were to start. */
export async function decideFires(
  tx: Tx,
  { fires, lateAfterMs }: { fires: readonly StartedFire[]; lateAfterMs: number },
): Promise<void> {
  // Ordered as they were planned, because rows planned together lie together.
  const ordered = fires.toSorted((a, b) => (a.scheduleId < b.scheduleId ? -1 : 1));
  // In a part of its own, so that the plan does not depend on their number.
  await sql`
    with asked as materialized (
      select ${plainArray(ordered.map((fire) => fire.scheduleId))}::uuid[] as schedules,
             ${plainArray(ordered.map((fire) => fire.dueAt.toISOString()))}::timestamptz[] as dues,
             ${plainArray(ordered.map((fire) => fire.startedAt.toISOString()))}::timestamptz[] as starts)
    update carillon.fire f
       set started_at = s.started_at,
           outcome = case when s.started_at - s.due_at - coalesce(f.jitter_ms, 0) * interval '1 ms' > make_interval(secs => ${lateAfterMs / 1000}::float8)
                          then 'late' else 'fired' end
      from asked cross join lateral unnest(asked.schedules, asked.dues, asked.starts) as s (schedule_id, due_at, started_at)
     where ${isOpenDueTimeOf('s')} and ${isBetweenDueTimes(fires.map((fire) => fire.dueAt))}`.execute(tx);
}

export interface UnstartedFire {
  scheduleId: ScheduleId;
  dueAt: Date;
  outcome: 'skipped' | 'missed';
  reason: string;
}

/** Decides fires whose runs were over before they started (I1). */
export async function closeFires(tx: Tx, fires: readonly UnstartedFire[]): Promise<void> {
  await sql`
    with asked as materialized (
      select ${fires.map((fire) => fire.scheduleId)}::uuid[] as schedules, ${fires.map((fire) => fire.dueAt)}::timestamptz[] as dues,
             ${fires.map((fire) => fire.outcome)}::text[] as outcomes, ${fires.map((fire) => fire.reason)}::text[] as reasons)
    update carillon.fire f
       set outcome = e.outcome, reason = e.reason
      from asked cross join lateral unnest(asked.schedules, asked.dues, asked.outcomes, asked.reasons) as e (schedule_id, due_at, outcome, reason)
     where ${isOpenDueTimeOf('e')}`.execute(tx);
}

export interface FinishedRun {
  id: RunId;
  outcome: RunOutcome;
  /** Null for a run that never began; it has met no replica then. */
  startedAt: Date | null;
  finishedAt: Date;
  outputJson: string | null;
  errorJson: string | null;
}

/**
 * Moves runs that are still in this attempt into the history; resolves with the runs that it did not find. In most
 * batches all runs succeeded without output: an empty array stands for one of such values.
 */
export async function finishRuns(
  tx: Tx,
  { replica, attempt, runs }: { replica: ReplicaNumber; attempt: number; runs: readonly FinishedRun[] },
): Promise<RunId[]> {
  const ids = plainArray(runs.map((run) => run.id));
  // Found by the key alone, so that no plan ever hashes the whole table; the details are joined afterwards. Each id is
  // sent once: as text the ids are most of the statement.
  const { rows } = await sql<{ id: RunId }>`
    with asked as materialized (select ${ids}::uuid[] as ids),
    gone as (
      delete from carillon.run where id = any((select ids from asked)::uuid[]) and attempt = ${attempt} returning ${keptColumns()}, attempt),
    kept as (
      insert into carillon.run_history (${keptColumns()}, attempt, outcome, replica, started_at, finished_at, output, error)
      select ${keptColumns('g')}, g.attempt, coalesce(e.outcome, 'succeeded'), case when e.started_ms is null then null else ${replica}::int end,
             to_timestamp(e.started_ms / 1000), to_timestamp(e.finished_ms / 1000), e.output::jsonb, e.error::jsonb
        from gone g
        join (select e.* from asked cross join lateral unnest(asked.ids,
                    ${plainArray(outcomesOf(runs))}::text[],
                    ${plainArray(runs.map((run) => run.startedAt?.getTime() ?? null))}::float8[],
                    ${plainArray(runs.map((run) => run.finishedAt.getTime()))}::float8[],
                    ${emptyIfAllNull(runs.map((run) => run.outputJson))}::text[],
                    ${emptyIfAllNull(runs.map((run) => run.errorJson))}::text[]) as e (id, outcome, started_ms, finished_ms, output, error)) e
          on e.id = g.id)
    select missing.id from asked cross join lateral unnest(asked.ids) as missing (id)
     where (select count(*) from gone) < cardinality(asked.ids) and missing.id not in (select id from gone)`.execute(
    tx,
  );
  return rows.map((row) => row.id);
}

/** An empty array stands for successes alone. */
export function outcomesOf(runs: readonly FinishedRun[]): RunOutcome[] {
  return runs.every((run) => run.outcome === 'succeeded') ? [] : runs.map((run) => run.outcome);
}

/** Where arrays are unnested, a shorter one is filled up with nulls. */
export function emptyIfAllNull(texts: readonly (string | null)[]): (string | null)[] {
  return texts.every((text) => text === null) ? [] : [...texts];
}

export interface RetriedRun {
  id: RunId;
  attempt: number;
  delayMs: number;
  /** Whether it counts against the attempts of the retry policy. */
  isFailure: boolean;
  /** The record of the ended attempt, as the API shows it. */
  recordJson: string;
}

/** Puts runs back for another, later attempt, and keeps their newest attempts; resolves with the runs that it found. */
export async function retryRuns(tx: Tx, runs: readonly RetriedRun[]): Promise<Set<RunId>> {
  const ids = runs.map((run) => run.id);
  const { rows } = await sql<{ id: RunId }>`
    update carillon.run r
       set attempt = r.attempt + 1,
           failures = r.failures + e.failed,
           -- It does not run any more; a death that only finds it waiting must not be held against it.
           started_by = null,
           -- Without a delay it keeps the place that it had.
           run_at = case when e.delay_ms > 0 then clock_timestamp() + make_interval(secs => e.delay_ms / 1000.0) else r.run_at end,
           past_attempts = ${newestAttempts('r')} || e.record::jsonb
      from unnest(${ids}::uuid[],
                  ${runs.map((run) => run.attempt)}::int[],
                  ${runs.map((run) => Number(run.isFailure))}::int[],
                  ${runs.map((run) => run.delayMs)}::float8[],
                  ${runs.map((run) => run.recordJson)}::text[]) as e (id, attempt, failed, delay_ms, record)
     where r.id = any(${ids}::uuid[]) and r.id = e.id and r.attempt = e.attempt
    returning r.id`.execute(tx);
  return new Set(rows.map((row) => row.id));
}

/** Puts runs back whose attempt has not begun, for later; resolves with the runs that it found. */
export async function putOffRuns(
  tx: Tx,
  runs: readonly { id: RunId; attempt: number; delayMs: number }[],
): Promise<Set<RunId>> {
  const ids = runs.map((run) => run.id);
  const { rows } = await sql<{ id: RunId }>`
    update carillon.run r
       set run_at = clock_timestamp() + make_interval(secs => e.delay_ms / 1000.0), started_by = null
      from unnest(${ids}::uuid[], ${runs.map((run) => run.attempt)}::int[], ${runs.map((run) => run.delayMs)}::float8[]) as e (id, attempt, delay_ms)
     where r.id = any(${ids}::uuid[]) and r.id = e.id and r.attempt = e.attempt
    returning r.id`.execute(tx);
  return new Set(rows.map((row) => row.id));
}

/** Releases the locks of runs that do not start here. A trigger does so whenever an attempt is over (migrations/0045). */
export async function dropHolds(
  tx: Tx,
  { replica, runIds }: { replica: ReplicaNumber; runIds: readonly RunId[] },
): Promise<void> {
  if (runIds.length === 0) return;
  await sql`
    update carillon.run r set holds = null
     where r.id = any(${[...runIds]}::uuid[]) and r.holds is not null
       and exists (select from carillon.claim c where c.replica = ${replica} and r.id = any(c.run_ids))`.execute(
    tx,
  );
}

/** Deletes claims that hold no run any more. */
export async function closeClaims(tx: Tx, claimIds: readonly ClaimId[]): Promise<void> {
  await sql`delete from carillon.claim where id = any(${[...claimIds]}::uuid[])`.execute(tx);
}

/** Removes runs that go on elsewhere from claims that still hold others. */
export async function shrinkClaims(
  tx: Tx,
  { claimIds, runIds }: { claimIds: readonly ClaimId[]; runIds: readonly RunId[] },
): Promise<void> {
  await sql`
    update carillon.claim
       set run_ids = array(select held from unnest(run_ids) as held where held <> all(${[...runIds]}::uuid[]))
     where id = any(${[...claimIds]}::uuid[])`.execute(tx);
}
