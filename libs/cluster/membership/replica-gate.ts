// The replica's gate: how a claim or a settlement proves that its replica may still write. The gate is a lock.
// Claims, settlements and reports hold it shared; what must have none of them in flight holds it alone. The
// transaction's first statement takes the gate, so a declaration of death waits for the transaction. Its second, with a
// snapshot from after that lock, reads the row that decides. Both outcomes are values; a database error is thrown.
import { sql } from 'kysely';
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import { UNAWAITED } from '#database/database-client.js';
import type { ReplicaNumber } from '#kernel/ids.js';
import { GATE_TURN, REPLICA_GATE } from '#database/advisory-locks.js';

export interface ReplicaHolder {
  replica: ReplicaNumber;
  /** Of the incarnation: no other one, of this or another cluster, has it. */
  uuid: string;
}

export type Fenced<Value> = { kind: 'done'; value: Value } | { kind: 'fenced' };

/** Runs a claim or a settlement. 'fenced' means that the replica was declared dead and nothing was written (I4). */
export async function asReplica<Value>(
  db: Database,
  holder: ReplicaHolder,
  write: (tx: Tx) => Promise<Value>,
): Promise<Fenced<Value>> {
  return behindGate(db, holder, { hold: holdGateShared, write });
}

/** Like asReplica, but with no other claim or settlement of this replica in flight: for handing slots over. */
export async function asReplicaAlone<Value>(
  db: Database,
  holder: ReplicaHolder,
  write: (tx: Tx) => Promise<Value>,
): Promise<Fenced<Value>> {
  return behindGate(db, holder, { hold: holdGateAlone, write });
}

/**
 * For a transaction that a handler has begun: holds the gate shared from now on and reads whether the replica may still
 * write. False means that the transaction must be rolled back (I4). It must be read committed.
 */
export async function passGate(tx: Tx, holder: ReplicaHolder): Promise<boolean> {
  await holdGateShared(tx, holder.replica);
  return isAlive(tx, holder);
}

/** Waits until no claim, settlement or hand-over of the replica is in flight, and holds them off until commit. */
export async function holdGateAlone(tx: Tx, replica: ReplicaNumber): Promise<void> {
  await sql`select pg_advisory_xact_lock(${REPLICA_GATE}, ${replica})`.execute(tx);
}

/**
 * Waits until no other transaction has the turn at the replica's gate, and keeps the turn until commit. For
 * transactions that come in numbers: the claims of a replica queue behind each one that waits for its gate.
 */
export async function takeGateTurn(tx: Tx, replica: ReplicaNumber): Promise<void> {
  await sql`select pg_advisory_xact_lock(${GATE_TURN}, ${replica})`.execute(tx);
}

/** No statement of the transaction waits longer than this for a lock. */
export async function limitLockWait(tx: Tx, ms: number): Promise<void> {
  await sql`select set_config('lock_timeout', ${`${ms}ms`}, true)`.execute(tx);
}

// An advisory lock, because FOR SHARE on the replica row costs a multixact each time: 40 % of the throughput. The
// lock's answer is not awaited: the server executes one statement after the other, so the next one has its snapshot
// from after the lock, and fails if the lock failed.
async function holdGateShared(tx: Tx, replica: ReplicaNumber): Promise<void> {
  await sql`select ${sql.raw(UNAWAITED)} pg_advisory_xact_lock_shared(${REPLICA_GATE}, ${replica})`.execute(
    tx,
  );
}

interface GatedWrite<Value> {
  hold: (tx: Tx, replica: ReplicaNumber) => Promise<void>;
  write: (tx: Tx) => Promise<Value>;
}

async function behindGate<Value>(
  db: Database,
  holder: ReplicaHolder,
  { hold, write }: GatedWrite<Value>,
): Promise<Fenced<Value>> {
  return inTransaction(db, async (tx) => {
    await hold(tx, holder.replica);
    if (!(await isAlive(tx, holder))) return { kind: 'fenced' };
    return { kind: 'done', value: await write(tx) };
  });
}

async function isAlive(tx: Tx, { replica, uuid }: ReplicaHolder): Promise<boolean> {
  const { rows } = await sql`
    select 1 from carillon.replica
     where number = ${replica} and incarnation = ${uuid} and state in ('active', 'draining')`.execute(tx);
  return rows.length === 1;
}
