// Runs for due times that were skipped in a pause or a suspension, and the places that their tenant has for them.
import { sql } from 'kysely';
import { plainArray } from '#database/array-text.js';
import type { Tx } from '#database/connection.js';
import type { RunId, ScheduleId, TenantId } from '#kernel/ids.js';
import { CATCH_UP } from '#scheduling/decisions/planning.js';

export interface Places {
  /** How many unfinished runs the tenant may have; null for any number. */
  maxQueued: number | null;
  /** How many it has, counted no further than that. */
  queued: number;
}

export async function countPlaces(tx: Tx, tenantId: TenantId): Promise<Places> {
  const { rows } = await sql<Places>`
    select t.max as "maxQueued", case when t.max is null then 0 else carillon.count_runs(t.id, t.max) end as queued
      from (select id, (limits ->> 'maxQueued')::int as max from carillon.tenant where id = ${tenantId}) t`.execute(
    tx,
  );
  return rows[0] ?? { maxQueued: null, queued: 0 };
}

/**
 * Makes a run for each of these due times, the earliest first, that has no row in the ledger yet, or was skipped for this
 * reason: that row is open again. I1: a due time that is planned, has run, or was skipped for another reason keeps its
 * row and gets no run. The runs come behind what is due now, in the order of their due times, as after an outage. Resolves
 * with those that were made.
 */
export async function planCaughtUp(
  tx: Tx,
  {
    tenantId,
    scheduleId,
    skippedFor,
    runs,
  }: {
    tenantId: TenantId;
    scheduleId: ScheduleId;
    skippedFor: 'paused' | 'suspended';
    runs: readonly { dueAt: Date; runId: RunId }[];
  },
): Promise<RunId[]> {
  const { rows } = await sql<{ id: RunId }>`
    with decided as (
      insert into carillon.fire as f (schedule_id, due_at, tenant_id, outcome, reason, run_id, term, jitter_ms)
      select s.id, a.due_at, s.tenant_id, 'planned', ${CATCH_UP}, a.run_id, l.term, s.jitter_ms
        from unnest(${plainArray(runs.map(({ dueAt }) => dueAt.toISOString()))}::timestamptz[],
                    ${plainArray(runs.map(({ runId }) => runId))}::uuid[]) as a (due_at, run_id)
        join carillon.schedule s on s.id = ${scheduleId} and s.tenant_id = ${tenantId}
       cross join carillon.leadership l
      on conflict (schedule_id, due_at) do update
         set outcome = excluded.outcome, reason = excluded.reason, run_id = excluded.run_id, term = excluded.term,
             jitter_ms = excluded.jitter_ms, planned_at = clock_timestamp(), started_at = null
       where f.outcome = 'skipped' and f.reason = ${skippedFor}
      returning due_at, run_id, jitter_ms),
    placed as (
      select run_id, due_at,
             greatest(due_at + coalesce(jitter_ms, 0) * interval '1 ms',
                      now() + (row_number() over (order by due_at) - 1) * interval '1 microsecond') as run_at
        from decided)
    insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, due_at, payload, run_at, queue, concurrency_key, tags, priority, deadline, locks)
    select p.run_id, s.tenant_id, s.slot, s.job_type, s.id, p.due_at, s.payload, p.run_at, coalesce(s.queue, 'default'), s.concurrency_key, s.tags,
           coalesce(s.priority, 0), p.run_at + s.deadline_seconds * interval '1 s', s.locks
      from placed p
      join carillon.schedule s on s.id = ${scheduleId} and s.tenant_id = ${tenantId}
    returning id`.execute(tx);
  return rows.map(({ id }) => id);
}
