// How does a call that is debounced come in? The first one makes a run that waits; each later one with its key, while it
// waits, gives it its own values and moves its start, but never beyond the greatest delay since the first call. Such
// runs wait outside of their slot, where no claim finds them, so a call needs not hold off the owner's claims: the row
// lock of the run decides between a call that moves it and the pass that lets it in (debounced-runs-loop.ts). A unique
// index keeps a second one from waiting under the key.
import { limitLockWait } from '#cluster/membership/replica-gate.js';
import type { Tx } from '#database/connection.js';
import type { RunId } from '#kernel/ids.js';
import { insertOrMove, moveWaiting, type DebouncedRun } from './debounced.repository.js';

export interface DebounceRequest {
  /** One run of the tenant's job type waits under it. */
  key: string;
  /** Since the first call; the delay since the last one is the run's own. */
  maxDelayMs: number;
}

export type DebouncedResult =
  | { kind: 'created'; id: RunId }
  /** This run was waiting, and has these values now. */
  | { kind: 'replaced'; id: RunId }
  | { kind: 'over-quota' };

/** Another transaction may hold a waiting run until it ends, such as one of a user's own. */
const LOCK_WAIT_MS = 3_000;

/**
 * All are of one tenant. Resolves with what became of each. Of several with one key the first may make the run, and the
 * last one's values count.
 */
export async function takeDebounced(
  tx: Tx,
  asked: readonly DebouncedRun[],
  { room }: { room: number },
): Promise<DebouncedResult[]> {
  await limitLockWait(tx, LOCK_WAIT_MS);
  const wanted = lastOfEach(asked);
  // A run that waits already needs no room.
  const moved = wanted.size > room ? await moveWaiting(tx, [...wanted.values()]) : [];
  const waiting = new Map(moved.map((one) => [placeOf(one), one.id]));
  const left = [...wanted].filter(([place]) => !waiting.has(place)).map(([, one]) => one);
  for (const one of await insertOrMove(tx, left.slice(0, Math.max(0, room))))
    waiting.set(placeOf(one), one.id);
  const made = new Set([...wanted.values()].map(({ run }) => run.id));
  return asked.map((one): DebouncedResult => {
    const id = waiting.get(placeOf({ jobType: one.run.jobType, key: one.key }));
    if (id === undefined) return { kind: 'over-quota' };
    // The first one of a key made the run, if it has the id that was wanted for it; then the others moved it.
    return { kind: made.delete(id) ? 'created' : 'replaced', id };
  });
}

/** Each key once, with the values of the last call and the id of the first. */
function lastOfEach(asked: readonly DebouncedRun[]): Map<string, DebouncedRun> {
  const wanted = new Map<string, DebouncedRun>();
  for (const one of asked) {
    const place = placeOf({ jobType: one.run.jobType, key: one.key });
    const id = wanted.get(place)?.run.id ?? one.run.id;
    wanted.set(place, { ...one, run: { ...one.run, id } });
  }
  return wanted;
}

/** The name of a job type has no slash. */
function placeOf({ jobType, key }: { jobType: string; key: string }): string {
  return `${jobType}/${key}`;
}
