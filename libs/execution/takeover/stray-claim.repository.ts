// Stray claims: their own replica does not know of them, since the answer to the claim statement never came.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { ClaimId, ReplicaNumber } from '#kernel/ids.js';

/** Claims of this replica that are so old that it must have received their answers. */
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

/** Drops claims whose runs were never started: an owner can claim them again at once, with no attempt used up. */
export async function dropClaims(
  tx: Tx,
  { replica, claimIds }: { replica: ReplicaNumber; claimIds: readonly ClaimId[] },
): Promise<void> {
  await sql`delete from carillon.claim where replica = ${replica} and id = any(${[...claimIds]}::uuid[])`.execute(
    tx,
  );
}
