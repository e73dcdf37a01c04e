// Records the starts of held runs, for readers of runs and not for the fences.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';
import type { ClaimId, ReplicaNumber, RunId } from '#kernel/ids.js';

/** Records that runs that were lost before are running here now. */
export async function markStarted(
  tx: Tx,
  { replica, runIds }: { replica: ReplicaNumber; runIds: readonly RunId[] },
): Promise<void> {
  await sql`update carillon.run set started_by = ${replica} where id = any(${[...runIds]}::uuid[])`.execute(
    tx,
  );
}

/** Records, once for each dead replica, when the first of its runs started again in another replica. */
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

/** Records the starts of runs that have been running for a while, for readers of runs and not for the fences. */
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
