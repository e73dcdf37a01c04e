// Who holds each unique key? A free key goes to the first run that asks for it. A key whose holder has ended, or whose
// window has passed, is taken over. Any other stays with its holder. New runs ask here, and so do runs that are
// retried. Keys are taken before claims and runs are locked: a transaction may hold a key for long, and must hold up
// nothing else meanwhile.
import { limitLockWait } from '#cluster/membership/replica-gate.js';
import { isCancelled } from '#database/error-kind.js';
import type { Tx } from '#database/connection.js';
import type { RunId, TenantId } from '#kernel/ids.js';
import * as keys from './unique-key.repository.js';

const TRIES_MAX = 10;
/**
 * As long as a batch of ten thousand takes on a busy machine. A transaction that keeps a key for longer hangs, or is a
 * user's own.
 */
const KEY_WAIT_MS = 3_000;
/** Taken by one statement, in a small part of the wait. */
const KEYS_AT_ONCE = 1_000;
/** Where the wait is over: enough for the work of such a statement, if no key must be waited for. */
const STATEMENT_MS = 500;

/** Keys that the transaction wants were held by others, one after the other, for longer than it waits. */
export class KeysHeld extends Error {}

/**
 * Resolves with the holder of each key, now and until commit. Of several runs with one key the first gets it. From here
 * on no statement of the transaction waits longer for a lock than for a batch of others.
 */
export async function takeKeys(
  tx: Tx,
  { tenantId, asked }: { tenantId: TenantId; asked: readonly keys.NewKey[] },
): Promise<Map<string, RunId>> {
  const first = new Map<string, keys.NewKey>();
  for (const one of asked) if (!first.has(one.key)) first.set(one.key, one);
  // In the database's order, since the parts are taken one after the other.
  const wanted = new Map([...first].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  const holders = new Map<string, RunId>();
  await limitLockWait(tx, KEY_WAIT_MS);
  for (let tries = 0; wanted.size > 0; tries += 1) {
    if (tries === TRIES_MAX)
      throw new Error(`expected a unique key to be held or free, got one that vanished ${TRIES_MAX} times`);
    const inserted = await inParts(tx, [...wanted.values()], (part) =>
      keys.insertKeys(tx, { tenantId, keys: part }),
    );
    for (const key of inserted) settleKey(wanted, holders, key);
    if (wanted.size > 0) await takeHeld(tx, { tenantId, wanted, holders });
  }
  return holders;
}

/** A lone key waits no longer than its lock may take. */
async function inParts<Key, Found>(
  tx: Tx,
  all: readonly Key[],
  act: (part: readonly Key[]) => Promise<Iterable<Found>>,
): Promise<Found[]> {
  if (all.length <= 1) return [...(await act(all))];
  const found: Found[] = [];
  let before: string | null = null;
  for (let from = 0; from < all.length; from += KEYS_AT_ONCE) {
    const previous = await keys.limitStatements(tx, { waitMs: KEY_WAIT_MS, leastMs: STATEMENT_MS });
    before ??= previous;
    const more = await act(all.slice(from, from + KEYS_AT_ONCE)).catch((error: unknown) => {
      throw isCancelled(error)
        ? new KeysHeld('expected free keys in time, got none', { cause: error })
        : error;
    });
    found.push(...more);
  }
  if (before !== null) await keys.limitStatementsAsBefore(tx, before);
  return found;
}

interface Taking {
  tenantId: TenantId;
  wanted: Map<string, keys.NewKey>;
  holders: Map<string, RunId>;
}

/** Takes over the keys that other runs held and hold no more; a key that vanished stays wanted. */
async function takeHeld(tx: Tx, { tenantId, wanted, holders }: Taking): Promise<void> {
  const held = await inParts(tx, [...wanted.keys()], (part) => keys.lockKeys(tx, { tenantId, keys: part }));
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
