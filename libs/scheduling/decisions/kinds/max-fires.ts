// Which due time is a schedule's last, if it may have only so many? It is found once, when the spec is made, and stored
// with it: so whether an instant is due still follows from the spec alone, without counting from the beginning each time.
// Counting may take long, so it can be left and gone on with.
import type { NextDue } from './any-of.js';

/** Counting 10,000 took 0.4 to 0.8 s for a usual expression of cron. */
export const MAX_FIRES_MAX = 10_000;

export interface Counted {
  maxFires: number;
  /** Those after this instant count. */
  after: Date;
  /** The last of them; null if fewer will come. */
  lastAt: Date | null;
}

export interface Count {
  /** The last that was counted, or where counting begins. */
  reached: Date;
  /** So many are still to come. */
  left: number;
  /** Whether nothing is due any more after those that were counted. */
  isOver: boolean;
}

/** Counts on until all are counted, none is left, or it may not go on for now. */
export function countOn(next: NextDue, count: Count, mayGoOn: () => boolean): Count {
  let { reached, left } = count;
  while (left > 0 && mayGoOn()) {
    const dueAt = next(reached);
    if (dueAt === null) return { reached, left, isOver: true };
    reached = dueAt;
    left -= 1;
  }
  return { reached, left, isOver: left === 0 };
}
