// How does a run end that is not running? Its end must not cross a claim. Either the claim comes first, and its holder
// is asked to end the run; or the end comes first, and no claim finds the run any more.
//
// Claims read runs without locking them, behind their replica's gate. So a transaction that ends a run first holds the
// gate of the slot's owner alone, which waits for claims in flight and holds off new ones. Then it locks the slot's
// row, so that no other replica becomes owner meanwhile. Only then, in a statement of its own, it looks for claims and
// deletes. Gate before slot is the order of hand-overs, too. A former owner that still has runs is found by its claims.
// An offer for workers is withdrawn, while a lease that a worker has taken is a holder like a replica. A dead replica's
// claims count until they are revoked; the request stays, and the loop of overdue runs ends the run then. Where the
// owner hangs while it holds its gate, or another transaction has locked the run, only the request is recorded, without
// the gate, and the holder or the loop of overdue runs acts on it.
import { withClaimsHeldOff } from '#cluster/slots/claims-hold.js';
import type { Database } from '#database/connection.js';
import type { RunId, Slot, TenantId } from '#kernel/ids.js';
import * as rows from './run-ending.repository.js';

/** A claim holds the gate for milliseconds, unless its replica hangs. */
const GATE_WAIT_MS = 1_000;

export interface Cancelled {
  /** Over now. */
  ended: RunId[];
  /** A replica or a worker has them, and will end them. */
  requested: RunId[];
}

/** Cancels the runs of these that are not over yet, all of one slot. Other runs are in neither list. */
export async function cancelRuns(
  db: Database,
  { tenantId, slot, ids }: { tenantId: TenantId; slot: Slot; ids: readonly RunId[] },
): Promise<Cancelled> {
  if (ids.length === 0) return { ended: [], requested: [] };
  const cancelled = await withClaimsHeldOff(db, slot, { waitMs: GATE_WAIT_MS }, async (tx) => {
    const locked = await rows.lockWithoutWaiting(tx, { tenantId, ids });
    await rows.withdrawOffers(tx, { tenantId, ids: locked });
    const found = await rows.requestCancel(tx, { tenantId, ids: locked });
    const ended = new Set(await rows.endUnclaimed(tx, found));
    return { ended: [...ended], requested: found.filter((id) => !ended.has(id)) };
  });
  const { ended, requested } = cancelled ?? { ended: [], requested: [] };
  const done = new Set([...ended, ...requested]);
  // One at a time, so that nothing is locked while it waits: a settlement locks the same runs in an order of its own.
  for (const id of ids)
    if (!done.has(id)) requested.push(...(await rows.requestCancel(db, { tenantId, ids: [id] })));
  return { ended, requested };
}

/** Ends the runs of these that no claim names and no worker has, if they have expired or were asked to be cancelled. */
export async function endOverdue(db: Database, runs: readonly { id: RunId; slot: Slot }[]): Promise<RunId[]> {
  const ended: RunId[] = [];
  // One slot at a time, so that never more than one replica waits for its gate.
  for (const [slot, ofSlot] of Map.groupBy(runs, (run) => run.slot)) {
    const ids = ofSlot.map((run) => run.id);
    const written = await withClaimsHeldOff(db, slot, { waitMs: GATE_WAIT_MS }, async (tx) => {
      const locked = await rows.lockWithoutWaiting(tx, { tenantId: null, ids });
      await rows.withdrawOffers(tx, { tenantId: null, ids: locked });
      return rows.endUnclaimed(tx, locked);
    });
    ended.push(...(written ?? []));
  }
  return ended;
}
