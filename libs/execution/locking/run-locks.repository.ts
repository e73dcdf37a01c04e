// Acquires locks for runs that are about to start. The database's function carillon.acquire_run_locks() decides about all of
// them in one statement, and notes in each run's row what it holds: a trigger on that row releases it (migrations/0045).
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { ClaimId, ReplicaNumber, RunId, TenantId } from '#kernel/ids.js';
import type { NeededLock } from '#execution/limits/decisions/lane-rules.js';

export interface AskingRun {
  id: RunId;
  tenant: TenantId;
  claim: ClaimId;
  attempt: number;
  /** Of runs with the same number, none is served after one that has to wait. */
  lane: number;
  /** The holder that stands in line for the lane, if there is one: the run takes that place. */
  inherits: string | null;
  locks: readonly NeededLock[];
}

export type LockAnswer =
  | { outcome: 'held'; holds: { name: string; token: number }[] }
  | { outcome: 'waits'; ticket: number }
  /** No semaphore can ever meet the wish. */
  | { outcome: 'misfit'; why: string }
  /** Another session is at the locks: ask again in a moment. */
  | { outcome: 'busy' }
  /** One before it in its lane has to wait. */
  | { outcome: 'behind' }
  /** It is another's by now. */
  | { outcome: 'gone' };

/** The answers are in the order of the runs. The caller has passed its replica's gate. */
export async function acquireRunLocks(
  tx: Tx,
  { replica, runs }: { replica: ReplicaNumber; runs: readonly AskingRun[] },
): Promise<LockAnswer[]> {
  if (runs.length === 0) return [];
  const { rows } = await sql<LockAnswer>`
    select outcome, holds, ticket::float8 as ticket, why
      from carillon.acquire_run_locks(${replica}::integer, ${JSON.stringify(runs)}::jsonb)
     order by place`.execute(tx);
  return rows;
}

/** These wait no more, or not here. A place that another replica has taken up is not this one's to end. */
export async function leaveLines(
  db: Database,
  {
    replica,
    holders,
  }: { replica: ReplicaNumber; holders: readonly { tenantId: TenantId; holder: string }[] },
): Promise<void> {
  await sql`
    delete from carillon.lock_wait w
     using unnest(${holders.map(({ tenantId }) => tenantId)}::uuid[], ${holders.map(({ holder }) => holder)}::text[]) as gone (tenant_id, holder)
     where w.tenant_id = gone.tenant_id and w.holder = gone.holder and w.replica = ${replica}`.execute(db);
}
