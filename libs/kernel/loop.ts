// What is a loop? One pass of read, decide, write, and an opinion on when the next pass is worth its
// cost. A loop has no timer: production drives it from one place, a test calls runOnce() by hand.

export interface Loop {
  readonly name: string;
  /** Resolves with the milliseconds until the next pass is wanted; 0 means at once. Throws only what the outside world did. */
  runOnce(): Promise<number>;
}

/** Nothing to do until a hint wakes the loop; a pass now and then keeps a lost wake-up harmless. */
export const UNTIL_WOKEN_MS = 5_000;
