// Parks runs: each leaves its claim and goes on outside of the replicas, under a lease of its own.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';
import type { ReplicaNumber, RunId } from '#kernel/ids.js';
import type { NewLease } from '#execution/runs/decisions/run-transition.js';

/**
 * An offer that no worker takes for so long goes back to the owner, which reads the job type anew. Here, where runs are
 * first offered: the room of the leases offers some again, and stands above this one.
 */
export const OFFER_MS = 3_600_000;

export interface ParkedRun extends NewLease {
  runId: RunId;
  attempt: number;
  startedAt: Date;
}

/**
 * Parks runs: no owner claims them again before their leases end. A pushed run counts as taken from the start of its
 * attempt. The owner parks behind its replica's gate and with the claims locked, so the leader revokes none of them
 * meanwhile. Resolves with the runs that it found.
 */
export async function parkRuns(
  tx: Tx,
  { replica, leases }: { replica: ReplicaNumber; leases: readonly ParkedRun[] },
): Promise<RunId[]> {
  const ids = leases.map((lease) => lease.runId);
  const { rows } = await sql<{ runId: RunId }>`
    with parked as materialized (
      select e.id as lease_id, e.kind, e.lease_ms, e.timeout_ms, e.started_at, clock_timestamp() as now, r.*
        from carillon.run r
        join unnest(${ids}::uuid[],
                    ${leases.map((lease) => lease.attempt)}::int[],
                    ${leases.map((lease) => lease.id)}::uuid[],
                    ${leases.map((lease) => lease.kind)}::text[],
                    ${leases.map((lease) => lease.leaseMs)}::int[],
                    ${leases.map((lease) => lease.timeoutMs)}::int[],
                    ${leases.map((lease) => lease.startedAt)}::timestamptz[]) as e (run_id, attempt, id, kind, lease_ms, timeout_ms, started_at)
          on e.run_id = r.id and e.attempt = r.attempt
       where r.id = any(${ids}::uuid[])
         for update of r),
    unclaimable as (
      update carillon.run set run_at = 'infinity', started_by = null from parked where run.id = any(${ids}::uuid[]) and run.id = parked.id)
    insert into carillon.lease (id, run_id, kind, tenant_id, slot, job_type, queue, concurrency_key, priority, attempt, run_at, deadline,
                                replica, state, offered_at, lease_ms, timeout_ms, taken_at, times_out_at, expires_at)
    select lease_id, id, kind, tenant_id, slot, job_type, queue, concurrency_key, priority, attempt, run_at, deadline,
           ${replica}, case kind when 'pull' then 'offered' else 'taken' end, now, lease_ms, timeout_ms,
           case kind when 'push' then started_at end,
           case kind when 'push' then started_at + timeout_ms * interval '1 ms' end,
           least(deadline, case kind when 'push' then started_at + timeout_ms * interval '1 ms' else now + ${OFFER_MS} * interval '1 ms' end)
      from parked
    on conflict (run_id) do nothing
    returning run_id as "runId"`.execute(tx);
  return rows.map((row) => row.runId);
}
