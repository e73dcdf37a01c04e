// What of a request's many items can be dealt with before its time is up? The first in any case; the rest is left, so that a
// later request begins with it.
import type { Clock } from '#kernel/clock.js';

/** Resolves with the items that were not reached, in the order in which they would have come. */
export async function eachInTime<Item>(
  items: readonly Item[],
  { ms, clock, isFirst }: { ms: number; clock: Clock; isFirst: (item: Item) => boolean },
  act: (item: Item) => Promise<void>,
): Promise<Item[]> {
  const untilMs = clock.monotonicMs() + ms;
  const from = Math.max(0, items.findIndex(isFirst));
  const ordered = [...items.slice(from), ...items.slice(0, from)];
  for (const [index, item] of ordered.entries()) {
    if (index > 0 && clock.monotonicMs() >= untilMs) return ordered.slice(index);
    await act(item);
  }
  return [];
}
