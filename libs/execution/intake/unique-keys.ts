// Who holds each unique key? A free key goes to the first run that asks for it. A key whose holder has ended, or whose
// window has passed, is taken over. Any other stays with its holder. New runs ask here, and so do runs that are
// retried. Keys are taken before claims and runs are locked: a transaction may hold a key for long, and must hold up
// nothing else meanwhile.
import { limitLockWait } from '#cluster/membership/replica-gate.js';
import type { Tx } from '#database/connection.js';
import type { RunId, TenantId } from '#kernel/ids.js';
import * as keys from './unique-key.repository.js';

const TRIES_MAX = 10;
/**
 * As long as a batch of ten thousand takes on a busy machine. A transaction that keeps a key for longer hangs, or is a
 * user's own.
 */
const KEY_WAIT_MS = 3_000;

/**
 * Resolves with the holder of each key, now and until commit. Of several runs with one key the first gets it. From here
 * on no statement of the transaction waits longer for a lock than for a batch of others.
 */
export async function takeKeys(
  tx: Tx,
  { tenantId, asked }: { tenantId: TenantId; asked: readonly keys.NewKey[] },
): Promise<Map<string, RunId>> {
  const wanted = new Map<string, keys.NewKey>();
  for (const one of asked) if (!wanted.has(one.key)) wanted.set(one.key, one);
  const holders = new Map<string, RunId>();
  await limitLockWait(tx, KEY_WAIT_MS);
  for (let tries = 0; wanted.size > 0; tries += 1) {
    if (tries === TRIES_MAX)
      throw new Error(`expected a unique key to be held or free, got one that vanished ${TRIES_MAX} times`);
    const inserted = await keys.insertKeys(tx, { tenantId, keys: [...wanted.values()] });
    for (const key of inserted) settleKey(wanted, holders, key);
    if (wanted.size > 0) await takeHeld(tx, { tenantId, wanted, holders });
  }
  return holders;
}

interface Taking {
  tenantId: TenantId;
  wanted: Map<string, keys.NewKey>;
  holders: Map<string, RunId>;
}

/** Takes over the keys that other runs held and hold no more; a key that vanished stays wanted. */
async function takeHeld(tx: Tx, { tenantId, wanted, holders }: Taking): Promise<void> {
  const held = await keys.lockKeys(tx, { tenantId, keys: [...wanted.keys()] });
  const unfinished = await keys.unfinishedAmong(
    tx,
    held.filter(({ untilRunEnds }) => untilRunEnds).map(({ runId }) => runId),
  );
  const takenOver: keys.NewKey[] = [];
  for (const { key, runId, isOver, untilRunEnds } of held) {
    const mine = wanted.get(key);
    if (mine === undefined) continue;
    // A retried run may still be named: it takes its key like any other, with a window that begins anew.
    const isFree = runId === mine.runId || (untilRunEnds ? !unfinished.has(runId) : isOver);
    if (isFree) takenOver.push(mine);
    settleKey(wanted, holders, key, isFree ? mine.runId : runId);
  }
  if (takenOver.length > 0) await keys.updateKeys(tx, { tenantId, keys: takenOver });
}

function settleKey(
  wanted: Map<string, keys.NewKey>,
  holders: Map<string, RunId>,
  key: string,
  holder = wanted.get(key)?.runId,
): void {
  if (holder !== undefined) holders.set(key, holder);
  wanted.delete(key);
}
