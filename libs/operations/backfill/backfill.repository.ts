// What a backfill reads and writes: its schedule, and new runs with their rows in the ledger.
import { sql } from 'kysely';
import { plainArray } from '#database/array-text.js';
import type { Tx } from '#database/connection.js';
import type { RunId, ScheduleId, TenantId } from '#kernel/ids.js';
import { BACKFILL } from '#scheduling/decisions/planning.js';

export interface BackfilledSchedule {
  concurrencyKey: string | null;
  /** How many unfinished runs its tenant has, counted no further than its limit; 0 when there is none. */
  queued: number;
}

/** Keeps it from being deleted until the transaction is over. Undefined when it was deleted. */
export async function holdSchedule(
  tx: Tx,
  {
    tenantId,
    scheduleId,
    maxQueued,
  }: { tenantId: TenantId; scheduleId: ScheduleId; maxQueued: number | null },
): Promise<BackfilledSchedule | undefined> {
  const { rows } = await sql<BackfilledSchedule>`
    select s.concurrency_key as "concurrencyKey",
           case when ${maxQueued}::int is null then 0 else carillon.count_runs(s.tenant_id, ${maxQueued}::int) end as queued
      from carillon.schedule s
     where s.tenant_id = ${tenantId} and s.id = ${scheduleId}
       for key share`.execute(tx);
  return rows[0];
}

export interface BackfillRuns {
  tenantId: TenantId;
  scheduleId: ScheduleId;
  concurrencyKey: string | null;
  /** Undefined for the schedule's. */
  payload: unknown;
  runs: readonly { dueAt: Date; runId: RunId }[];
}

/**
 * Makes a run for each of these due times that has no row in the ledger, or a row that says that it did not run: that row
 * is open again. I1: a due time that is planned, or has run, by now keeps its row and gets no run. The runs come behind
 * what is due now, as those that catch up do, and are what the schedule says at present. Resolves with those that were
 * made.
 */
export async function makeBackfillRuns(
  tx: Tx,
  { tenantId, scheduleId, concurrencyKey, payload, runs }: BackfillRuns,
): Promise<RunId[]> {
  const { rows } = await sql<{ id: RunId }>`
    with decided as (
      insert into carillon.fire as f (schedule_id, due_at, tenant_id, outcome, reason, run_id, term)
      select ${scheduleId}, a.due_at, ${tenantId}, 'planned', ${BACKFILL}, a.run_id, l.term
        from unnest(${plainArray(runs.map(({ dueAt }) => dueAt.toISOString()))}::timestamptz[],
                    ${plainArray(runs.map(({ runId }) => runId))}::uuid[]) as a (due_at, run_id)
       cross join carillon.leadership l
      on conflict (schedule_id, due_at) do update
         set outcome = excluded.outcome, reason = excluded.reason, run_id = excluded.run_id, term = excluded.term,
             planned_at = clock_timestamp(), started_at = null
       where f.outcome in ('missed', 'coalesced', 'skipped')
      returning due_at, run_id)
    insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, due_at, payload, run_at, queue, concurrency_key, tags, priority, deadline, locks)
    select d.run_id, s.tenant_id, s.slot, s.job_type, s.id, d.due_at,
           coalesce(${payload === undefined ? null : JSON.stringify(payload)}::jsonb, s.payload), now(), coalesce(s.queue, 'default'),
           ${concurrencyKey}, s.tags, coalesce(s.priority, 0), now() + s.deadline_seconds * interval '1 s', s.locks
      from decided d
      join carillon.schedule s on s.id = ${scheduleId} and s.tenant_id = ${tenantId}
    returning id`.execute(tx);
  return rows.map(({ id }) => id);
}
