// Answers callers whose waiting time is up. The scan that would answer them may itself wait for a connection; this
// loop uses no database, and so is never late.
import { systemClock } from '#database/runtime/system-clock.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import type { LoopTimers } from '../../loop-timers.js';

export interface TimedWaiter {
  readonly untilMs: number;
}

export class TimeUps<Waiter extends TimedWaiter> implements Loop {
  /** The time of the next pass, unless the loop is woken before. */
  #nextAtMs = Number.POSITIVE_INFINITY;

  /** `answer` removes the waiter from the set, or leaves it there for a later pass. */
  constructor(
    readonly name: string,
    private readonly timers: LoopTimers,
    private readonly waiters: ReadonlySet<Waiter>,
    private readonly answer: (waiter: Waiter) => void,
  ) {}

  /** Tells the loop of a new waiter. Most end later than the present ones, and cost nothing. */
  note({ untilMs }: Waiter): void {
    if (untilMs < this.#nextAtMs) this.timers.wakeSoon(this);
  }

  runOnce(): Promise<number> {
    const nowMs = systemClock.monotonicMs();
    let nextMs = SLEEP_MS;
    for (const waiter of this.waiters) {
      if (waiter.untilMs <= nowMs) this.answer(waiter);
      else nextMs = Math.min(nextMs, waiter.untilMs - nowMs);
    }
    this.#nextAtMs = nowMs + nextMs;
    return Promise.resolve(nextMs);
  }
}
