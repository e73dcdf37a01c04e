// What is recorded of starts beside the fires? Who is running a run that was lost before: if that replica dies as well, a
// crash is held against the run. That runs of a dead replica run again, and since when a long run has been running: both
// for people, and not for the fences.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';
import type { ClaimId, ReplicaNumber, RunId } from '#kernel/ids.js';

/** Records that runs that were lost before are running here now. */
export async function recordSuspectStarts(
  tx: Tx,
  { replica, runIds }: { replica: ReplicaNumber; runIds: readonly RunId[] },
): Promise<void> {
  await sql`update carillon.run set started_by = ${replica} where id = any(${[...runIds]}::uuid[])`.execute(
    tx,
  );
}

/** Records, once for each dead replica, when the first of its runs started again in another replica. */
export async function noteRecovery(
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

/** Shows the starts of runs that have been running for a while. */
export async function showRunning(
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
