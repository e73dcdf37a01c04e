// What time is it? Two answers that must not be mixed: the monotonic clock measures durations and never jumps, the wall
// clock names an instant and may jump. Trust uses the first alone. Stored instants come from the database, and the wall
// clock only fills in where no database was asked.

export interface Clock {
  /** Milliseconds since some fixed moment of this process; never goes back, unaffected by clock steps. */
  monotonicMs(): number;
  now(): Date;
}

/** A source of numbers in [0, 1), passed in so that tests can seed it. */
export type Random = () => number;
