// What time is it in the database, without asking? The last answer that carried its time, plus what the
// monotonic clock has counted since it came. The answer is older than its arrival, so this runs a little
// behind the database and never ahead of it.
import type { Clock } from '#kernel/clock.js';
import type { Membership } from './membership.js';

export class DatabaseClock {
  #offsetMs: number;

  constructor(
    membership: Membership,
    private readonly clock: Clock,
  ) {
    this.#offsetMs = clock.now().getTime() - clock.monotonicMs();
    membership.beaten.subscribe(({ databaseTime, receivedAtMs }) => {
      this.#offsetMs = databaseTime.getTime() - receivedAtMs;
    });
  }

  now(): Date {
    return new Date(this.clock.monotonicMs() + this.#offsetMs);
  }
}
