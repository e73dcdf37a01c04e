// How is a run changed that its owner may be claiming this very moment? A claim names its runs without writing
// them, so a lock on the run's row would stop nobody. What stops claims is the owner's gate; and since the slot
// may just be changing hands, its row is locked as well: whoever would own it next has to wait, too.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';
import type { Slot } from '#kernel/ids.js';
import { closeGate } from './fences.js';
import { lockSlotOwner, ownerOfSlot } from './slot-owner.repository.js';

const TRIES_MAX = 10;

/** Until commit nobody claims from the slot, and every claim that was made is visible. For short transactions only. */
export async function holdOffClaims(tx: Tx, slot: Slot): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    await sql`savepoint claims_hold`.execute(tx);
    const owner = await ownerOfSlot(tx, slot);
    // First the gate, then the row: the order in which an owner hands its slots over.
    if (owner !== null) await closeGate(tx, owner);
    if ((await lockSlotOwner(tx, slot)) === owner) return;
    // Gone to another one while we waited. Going back lets go of both.
    await sql`rollback to savepoint claims_hold`.execute(tx);
  }
  throw new Error(`expected slot ${slot} to keep an owner for a moment, got ${TRIES_MAX} changes`);
}
