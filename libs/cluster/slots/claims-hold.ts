// How is a run changed that its owner may be claiming this very moment? A claim names its runs without writing
// them, so a lock on the run's row would stop no claim. What stops claims is the owner's gate, which waits for those in flight
// and holds off new ones; and since the slot may just be changing hands, its row is locked as well: a replica that would own it
// next has to wait, too. First the gate, then the row: the order in which an owner hands its slots over. A transaction that
// waited for a gate with the row in hand would be waited for by that owner. Where the slot has gone to another owner
// meanwhile, both are let go of before the next try. Nothing else may be locked before the gate: a replica that hangs with its
// gate open would hold up those who wait for that, too. But each waits for its turn first, which holds up no claim: the claims
// of an owner queue behind every transaction that waits at its gate, and a tenant that cancels in eight requests at a time had
// the runs of all others start up to 24 s late.
import { sql } from 'kysely';
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import { isLockTimeout } from '#database/error-kind.js';
import type { Slot } from '#kernel/ids.js';
import { closeGate, limitLockWait, takeGateTurn } from '#cluster/membership/replica-gate.js';
import { lockSlotOwner, ownerOfSlot } from './slot-owner.repository.js';

const TRIES_MAX = 10;
/** A slot that changes hands more often in a row than this is not waited for any longer. */
const OWNERS_TRIED = 3;

/**
 * Writes in a transaction of its own, in which no replica claims from the slot and every claim that was made is visible. Null,
 * with nothing written, when the owner could not be held off: a gate is open for milliseconds at a time, unless its replica hangs.
 */
export async function besideClaims<Value>(
  db: Database,
  slot: Slot,
  { waitMs }: { waitMs: number },
  write: (tx: Tx) => Promise<Value>,
): Promise<Value | null> {
  for (let tried = 0; tried < OWNERS_TRIED; tried += 1) {
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

/** The same within a transaction that has begun, until its commit. For short ones only. */
export async function holdOffClaims(tx: Tx, slot: Slot): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    await sql`savepoint claims_hold`.execute(tx);
    if (await tryHold(tx, slot)) return;
    await sql`rollback to savepoint claims_hold`.execute(tx);
  }
  throw new Error(`expected slot ${slot} to keep an owner for a moment, got ${TRIES_MAX} changes`);
}

/** False when it has gone to another owner while we waited; then what was locked must be given back. */
async function tryHold(tx: Tx, slot: Slot): Promise<boolean> {
  const owner = await ownerOfSlot(tx, slot);
  if (owner !== null) {
    await takeGateTurn(tx, owner);
    await closeGate(tx, owner);
  }
  return (await lockSlotOwner(tx, slot)) === owner;
}
