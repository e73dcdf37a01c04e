// A loop: one pass that reads, decides and writes, and says when the next pass is worth its cost. A loop has no timer:
// production drives it from one place, a test calls runOnce() by hand.

export interface Loop {
  readonly name: string;
  /**
   * Resolves with the milliseconds until the next pass is wanted; 0 means at once. Throws only errors of the outside
   * world.
   */
  runOnce(): Promise<number>;
}

/** A loop with nothing to do sleeps until it is woken, and no longer than this: so a lost wake-up does no harm. */
export const SLEEP_MS = 5_000;

/** One that is asked for by wakeAsleep(), as the leader's lookout does each second, may sleep longer, and must. */
export const ASKED_SLEEP_MS = 30_000;
