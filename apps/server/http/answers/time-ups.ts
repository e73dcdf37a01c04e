// Answers callers whose waiting time is up. The look that is to find what they wait for may itself wait for a connection;
// this loop asks nothing of the database, and so is never late.
import { systemClock } from '#database/runtime/system-clock.js';
import { UNTIL_WOKEN_MS, type Loop } from '#kernel/loop.js';
import type { LoopTimers } from '../../loop-timers.js';

export interface TimedWaiter {
  readonly untilMs: number;
}

export class TimeUps<Waiter extends TimedWaiter> implements Loop {
  /** When the next pass begins by itself. */
  #nextAtMs = Number.POSITIVE_INFINITY;

  /** `answer` takes the waiter out of the set, or leaves it there to be asked for again a little later. */
  constructor(
    readonly name: string,
    private readonly timers: LoopTimers,
    private readonly waiters: ReadonlySet<Waiter>,
    private readonly answer: (waiter: Waiter) => void,
  ) {}

  /** It has come to the set. Most last longer than those that are there, and cost nothing. */
  note({ untilMs }: Waiter): void {
    if (untilMs < this.#nextAtMs) this.timers.wakeSoon(this);
  }

  runOnce(): Promise<number> {
    const nowMs = systemClock.monotonicMs();
    let nextMs = UNTIL_WOKEN_MS;
    for (const waiter of this.waiters) {
      if (waiter.untilMs <= nowMs) this.answer(waiter);
      else nextMs = Math.min(nextMs, waiter.untilMs - nowMs);
    }
    this.#nextAtMs = nowMs + nextMs;
    return Promise.resolve(nextMs);
  }
}
