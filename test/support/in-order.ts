// Were the runs of each key started in their order? The log has each start, and each end with success, in the order in which
// they happened. A run that is tried again starts more than once, but no later one of its key starts before it has succeeded.

export interface LoggedRun {
  key: string;
  /** Its place among the runs of its key. */
  place: number;
  what: 'start' | 'success';
}

/** What breaks the rule, in words. */
export function outOfOrder(log: readonly LoggedRun[]): string[] {
  const broken: string[] = [];
  /** By key, how many have succeeded; they must be the first ones. */
  const done = new Map<string, number>();
  for (const { key, place, what } of log) {
    const next = done.get(key) ?? 0;
    if (place !== next)
      broken.push(`expected run ${next} of key ${key} to be next, got a ${what} of run ${place}`);
    else if (what === 'success') done.set(key, next + 1);
  }
  return broken;
}
