// Were the runs of each key started in their order? The log has each start, and each success of a handler, in the order
// in which they happened. A run may start more than once: it is tried again, or was lost, also after its handler had
// succeeded. But no run of its key starts before the one before it has succeeded, and none does once a later one has
// started.

export interface LoggedRun {
  key: string;
  /** Its place among the runs of its key. */
  place: number;
  what: 'start' | 'success';
}

/** What breaks the rule, in words. */
export function outOfOrder(log: readonly LoggedRun[]): string[] {
  const broken: string[] = [];
  /** By key, the run that is at work or was the last one. */
  const latest = new Map<string, { place: number; hasSucceeded: boolean }>();
  for (const { key, place, what } of log) {
    const at = latest.get(key) ?? { place: -1, hasSucceeded: true };
    const isNext = what === 'start' && at.hasSucceeded && place === at.place + 1;
    if (isNext) latest.set(key, { place, hasSucceeded: false });
    else if (place !== at.place) broken.push(`got a ${what} of run ${place} of key ${key}, ${wordsOf(at)}`);
    else if (what === 'success') latest.set(key, { place, hasSucceeded: true });
  }
  return broken;
}

function wordsOf({ place, hasSucceeded }: { place: number; hasSucceeded: boolean }): string {
  if (place < 0) return 'expected run 0 to be the first';
  return hasSucceeded
    ? `expected run ${place} or the next`
    : `expected run ${place}, which has not succeeded`;
}
