// What becomes of claims besides being taken and settled? Others ask what they hold, and how far their runs have come;
// those that nobody knows of are dropped.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { ClaimId, ReplicaNumber, RunId, Slot } from '#kernel/ids.js';
import type { Occupant } from './occupancy.js';

export interface ForeignRun extends Occupant {
  slot: Slot;
  id: RunId;
  /** It is outside, under a lease; no claim finds it. */
  isLeased: boolean;
}

/** Runs in these slots that others hold: another replica's claims, a former owner that is finishing, or leases. */
export async function foreignRuns(
  db: Database,
  { replica, slots }: { replica: ReplicaNumber; slots: readonly Slot[] },
): Promise<ForeignRun[]> {
  const { rows } = await sql<ForeignRun>`
    select r.slot, r.id, r.tenant_id as "tenantId", r.job_type as "jobType", r.concurrency_key as "concurrencyKey", false as "isLeased"
      from carillon.claim c
     cross join lateral unnest(c.run_ids) as held (id)
     cross join lateral (select * from carillon.run where id = held.id limit 1) r
     where c.replica <> ${replica} and r.slot = any(${[...slots]}::smallint[])
     union all
    select slot, run_id, tenant_id, job_type, concurrency_key, true from carillon.lease where slot = any(${[...slots]}::smallint[])`.execute(
    db,
  );
  return rows;
}

/** Claims of this replica that are old enough for their owner to have heard of them. */
export async function listOldClaims(
  db: Database,
  { replica, olderThanMs }: { replica: ReplicaNumber; olderThanMs: number },
): Promise<ClaimId[]> {
  const { rows } = await sql<{ id: ClaimId }>`
    select id from carillon.claim
     where replica = ${replica} and claimed_at < clock_timestamp() - make_interval(secs => ${olderThanMs / 1000}::float8)`.execute(
    db,
  );
  return rows.map((row) => row.id);
}

/** Drops claims whose runs were never started: they are free again at once, with no attempt burned. */
export async function dropClaims(
  tx: Tx,
  { replica, claimIds }: { replica: ReplicaNumber; claimIds: readonly ClaimId[] },
): Promise<void> {
  await sql`delete from carillon.claim where replica = ${replica} and id = any(${[...claimIds]}::uuid[])`.execute(
    tx,
  );
}

/** Says of runs that were lost before that they are running here now. */
export async function markStarted(
  tx: Tx,
  { replica, runIds }: { replica: ReplicaNumber; runIds: readonly RunId[] },
): Promise<void> {
  await sql`update carillon.run set started_by = ${replica} where id = any(${[...runIds]}::uuid[])`.execute(
    tx,
  );
}

/** Notes, once for each dead replica, when the first of its runs has started again elsewhere. */
export async function noteRestarts(
  tx: Tx,
  { replica, runIds }: { replica: ReplicaNumber; runIds: readonly RunId[] },
): Promise<void> {
  await sql`
    insert into carillon.cluster_event (type, replica, data)
    select 'run-restarted', lost.replica, jsonb_build_object('by', ${replica}::int, 'run', lost.run)
      from (select (past_attempts -> -1 ->> 'replica')::int as replica, min(id::text) as run
              from carillon.run
             where id = any(${[...runIds]}::uuid[]) and past_attempts -> -1 ->> 'outcome' = 'lost'
             group by 1) lost
     where not exists (select 1 from carillon.cluster_event e where e.replica = lost.replica and e.type = 'run-restarted')`.execute(
    tx,
  );
}

/** Says of runs that have been running for a while when they began; for those who ask, not for the fences. */
export async function noteStarts(
  tx: Tx,
  {
    claimId,
    replica,
    started,
  }: { claimId: ClaimId; replica: ReplicaNumber; started: Readonly<Record<string, Date>> },
): Promise<void> {
  await sql`
    update carillon.claim set started = coalesce(started, '{}') || ${JSON.stringify(started)}::jsonb
     where id = ${claimId} and replica = ${replica}`.execute(tx);
}
