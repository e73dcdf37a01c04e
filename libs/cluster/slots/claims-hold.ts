// How is a run changed that its owner may be claiming this very moment? A claim names its runs without writing them, so
// a lock on the run's row would stop no claim. The owner's gate does: the transaction that holds it alone has waited
// for claims in flight and holds off new ones. The slot may be changing hands at the same time, so its row is locked as
// well: its next owner has to wait, too. First the gate, then the row: an owner that hands its slots over holds the
// gate and waits for the row, so a transaction that held the row and waited for the gate would be a deadlock. Where the
// slot has gone to another owner meanwhile, both are released before the next try. Nothing else may be locked before
// the gate: a replica that hangs while it holds its gate would hold up every waiter for that, too. The exception is the
// turn at the gate, which holds up no claim: the claims of an owner queue behind every transaction that waits for its
// gate, and a tenant that cancelled in eight requests at a time had the runs of all others start up to 24 s late.
import { sql } from 'kysely';
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import { isLockTimeout } from '#database/error-kind.js';
import type { Slot } from '#kernel/ids.js';
import { holdGateAlone, limitLockWait, takeGateTurn } from '#cluster/membership/replica-gate.js';
import { lockSlotOwner, ownerOfSlot } from './slot-owner.repository.js';

/** If a slot changes hands more often in a row than this, its change is given up. */
const TRIES_MAX = 10;

/**
 * Writes in a transaction of its own, in which no replica claims from the slot and every earlier claim is visible.
 * Null, with nothing written, when the owner could not be held off: a claim holds the gate for milliseconds, unless its
 * replica hangs.
 */
export async function withClaimsHeldOff<Value>(
  db: Database,
  slot: Slot,
  { waitMs }: { waitMs: number },
  write: (tx: Tx) => Promise<Value>,
): Promise<Value | null> {
  for (let tried = 0; tried < TRIES_MAX; tried += 1) {
    const done = await inTransaction(db, async (tx) => {
      await limitLockWait(tx, waitMs);
      if (!(await tryHold(tx, slot))) return { kind: 'moved' } as const;
      return { kind: 'done', value: await write(tx) } as const;
    }).catch((error: unknown) => {
      if (isLockTimeout(error)) return { kind: 'hangs' } as const;
      throw error;
    });
    if (done.kind === 'done') return done.value;
    if (done.kind === 'hangs') return null;
  }
  return null;
}

/** Like withClaimsHeldOff(), but within a transaction that has begun, until its commit. For short ones only. */
export async function holdOffClaims(tx: Tx, slot: Slot): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    await sql`savepoint claims_hold`.execute(tx);
    if (await tryHold(tx, slot)) return;
    await sql`rollback to savepoint claims_hold`.execute(tx);
  }
  throw new Error(`expected slot ${slot} to keep an owner for a moment, got ${TRIES_MAX} changes`);
}

/** False when the slot has gone to another owner while we waited; then the locks must be released. */
async function tryHold(tx: Tx, slot: Slot): Promise<boolean> {
  const owner = await ownerOfSlot(tx, slot);
  if (owner !== null) {
    await takeGateTurn(tx, owner);
    await holdGateAlone(tx, owner);
  }
  return (await lockSlotOwner(tx, slot)) === owner;
}
