// How does a run end that is not running? Its end must not cross a claim: either the claim comes first, and then
// its holder is asked to end the run, or the end comes first, and then no claim finds the run any more.
//
// Claims read runs without locking them, behind their replica's gate. So whoever ends a run closes the gate of
// its slot's owner, which waits for claims in flight and holds off new ones, then holds the slot's row, so that
// no other replica becomes owner meanwhile, and only then, in a statement of its own, looks for claims and
// deletes. Gate before slot is the order of hand-overs, too. A former owner that still holds runs is seen by its
// claims. An offer for workers outside is withdrawn, while a lease that somebody has taken is a holder like a
// replica. A dead replica's claims count until they are revoked; the request stays, and the sweep ends the run then.
// Where the owner hangs with its gate open, only the request is written, and its holder or the sweep acts on it.
import { lockSlotOwner, ownerOfSlot } from '#cluster/slot-owner.repository.js';
import { closeGate } from '#cluster/fences.js';
import { isLockTimeout } from '#database/error-kind.js';
import type { Database, Tx } from '#database/connection.js';
import type { RunId, Slot, TenantId } from '#kernel/ids.js';
import * as rows from './run-ending.repository.js';

/** The gate is open for milliseconds at a time, unless its replica hangs. */
const GATE_WAIT_MS = 1_000;
/** A slot that changes hands more often in a row than this is left to the sweep. */
const OWNERS_TRIED = 3;

export interface Cancelled {
  /** Over now. */
  ended: RunId[];
  /** Held by a replica, which will end them. */
  requested: RunId[];
}

/** Cancels what is not over yet of these runs, all of one slot. Others are in neither list. */
export async function cancelRuns(
  db: Database,
  { tenantId, slot, ids }: { tenantId: TenantId; slot: Slot; ids: readonly RunId[] },
): Promise<Cancelled> {
  if (ids.length === 0) return { ended: [], requested: [] };
  const cancelled = await besideClaims(db, slot, async (tx) => {
    await rows.withdrawOffers(tx, { tenantId, ids });
    const found = await rows.requestCancel(tx, { tenantId, ids });
    const ended = new Set(await rows.endUnheld(tx, found));
    return { ended: [...ended], requested: found.filter((id) => !ended.has(id)) };
  });
  return cancelled ?? { ended: [], requested: await rows.requestCancel(db, { tenantId, ids }) };
}

/** Ends those of the runs that nobody holds and that have expired or were asked to be cancelled. */
export async function endOverdue(db: Database, runs: readonly { id: RunId; slot: Slot }[]): Promise<RunId[]> {
  const ended: RunId[] = [];
  // One slot at a time, so that never more than one replica waits at its gate.
  for (const [slot, ofSlot] of Map.groupBy(runs, (run) => run.slot)) {
    const ids = ofSlot.map((run) => run.id);
    const written = await besideClaims(db, slot, async (tx) => {
      await rows.withdrawOffers(tx, { tenantId: null, ids });
      return rows.endUnheld(tx, ids);
    });
    ended.push(...(written ?? []));
  }
  return ended;
}

/** Null when the owner could not be held off. */
async function besideClaims<Value>(
  db: Database,
  slot: Slot,
  write: (tx: Tx) => Promise<Value>,
): Promise<Value | null> {
  for (let tried = 0; tried < OWNERS_TRIED; tried += 1) {
    const done = await tryBesideClaims(db, slot, write).catch((error: unknown) => {
      if (isLockTimeout(error)) return { kind: 'hangs' } as const;
      throw error;
    });
    if (done.kind === 'done') return done.value;
    if (done.kind === 'hangs') return null;
  }
  return null;
}

type Tried<Value> = { kind: 'done'; value: Value } | { kind: 'moved' } | { kind: 'hangs' };

async function tryBesideClaims<Value>(
  db: Database,
  slot: Slot,
  write: (tx: Tx) => Promise<Value>,
): Promise<Tried<Value>> {
  return db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      await rows.limitLockWait(tx, GATE_WAIT_MS);
      const owner = await ownerOfSlot(tx, slot);
      if (owner !== null) await closeGate(tx, owner);
      if ((await lockSlotOwner(tx, slot)) !== owner) return { kind: 'moved' };
      return { kind: 'done', value: await write(tx) };
    });
}
