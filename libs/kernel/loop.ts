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

/** Nothing to do until a hint wakes the loop; a pass now and then keeps a lost wake-up harmless. */
export const UNTIL_WOKEN_MS = 5_000;
