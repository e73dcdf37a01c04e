// What time is it in the database, without asking? The time of the last answer that carried one, plus the monotonic
// time since it came. The answer is older than its arrival, so this clock runs a little behind the database and never
// ahead of it. An answer that was long on its way would set it back, and two runs that ran one after the other would
// seem to have run at once. So the clock follows a later time at once, an earlier one only as fast as clocks drift
// apart, and a step of the database's clock as a whole.
import type { Clock } from '#kernel/clock.js';

/** From one beat to the next: a thousand parts in a million, twice what is usual for a bad clock. */
const DRIFT_MS = 1;
/** An answer is hardly ever late by this much. */
const STEP_MS = 1_000;

export class DatabaseClock {
  #offsetMs: number;
  #isKnown = false;

  constructor(private readonly clock: Clock) {
    this.#offsetMs = clock.now().getTime() - clock.monotonicMs();
  }

  onBeaten({ databaseTime, receivedAtMs }: { databaseTime: Date; receivedAtMs: number }): void {
    const offsetMs = databaseTime.getTime() - receivedAtMs;
    const isLate = this.#isKnown && this.#offsetMs - offsetMs < STEP_MS;
    this.#offsetMs = isLate ? Math.max(offsetMs, this.#offsetMs - DRIFT_MS) : offsetMs;
    this.#isKnown = true;
  }

  now(): Date {
    return new Date(this.clock.monotonicMs() + this.#offsetMs);
  }
}
