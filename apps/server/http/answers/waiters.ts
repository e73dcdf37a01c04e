// Callers that wait for an answer which a loop will find. Each gets that answer, or the answer `nothing` when its time
// is up, when it hangs up, and when the replica has stopped its loops: it then asks elsewhere, and delays no end. A
// pass that finds answers may itself wait for a connection; times that are up have a loop of their own, which uses no
// database, and so is never late.
import { systemClock } from '#database/runtime/system-clock.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import type { LoopTimers } from '../../loop-timers.js';

export interface Wait {
  ms: number;
  hungUp: (then: () => void) => void;
}

export interface Waiter<Wanted, Answer> {
  readonly wanted: Wanted;
  readonly untilMs: number;
  /** True while its answer is under way: it is waited for, also when the time is up. */
  isServed: boolean;
  answer(answer: Answer): void;
  fail(error: unknown): void;
}

export class Waiters<Wanted, Answer> implements Loop {
  readonly name: string;
  readonly #waiting = new Set<Waiter<Wanted, Answer>>();
  #isLeaving = false;
  /** When the next time is up, as far as the last pass knew. */
  #nextAtMs = Number.POSITIVE_INFINITY;

  /** The finder is woken for each new waiter. */
  constructor(
    private readonly finder: Loop,
    private readonly timers: LoopTimers,
    private readonly nothing: Answer,
  ) {
    this.name = `${finder.name}-time-ups`;
  }

  begin(): void {
    this.timers.drive(this.finder);
    this.timers.drive(this);
    this.timers.stopped.subscribe(() => {
      this.#isLeaving = true;
      this.answerAll();
    });
  }

  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** In the order in which they came. */
  get waiting(): ReadonlySet<Waiter<Wanted, Answer>> {
    return this.#waiting;
  }

  async wait(wanted: Wanted, { ms, hungUp }: Wait): Promise<Answer> {
    if (this.#isLeaving) return this.nothing;
    return new Promise<Answer>((resolve, reject) => {
      const ending =
        <Value>(end: (value: Value) => void) =>
        (value: Value): void => {
          this.#waiting.delete(waiter);
          end(value);
        };
      const untilMs = systemClock.monotonicMs() + ms;
      const waiter = { wanted, untilMs, isServed: false, answer: ending(resolve), fail: ending(reject) };
      this.#waiting.add(waiter);
      hungUp(() => waiter.answer(this.nothing));
      this.timers.wake(this.finder);
      // Most end later than the present ones, and cost nothing.
      if (untilMs < this.#nextAtMs) this.timers.wakeSoon(this);
    });
  }

  answerAll(): void {
    for (const waiter of this.#waiting) waiter.answer(this.nothing);
  }

  runOnce(): Promise<number> {
    const nowMs = systemClock.monotonicMs();
    let nextMs = SLEEP_MS;
    for (const waiter of this.#waiting) {
      if (waiter.untilMs > nowMs) nextMs = Math.min(nextMs, waiter.untilMs - nowMs);
      else if (!waiter.isServed) waiter.answer(this.nothing);
    }
    this.#nextAtMs = nowMs + nextMs;
    return Promise.resolve(nextMs);
  }
}
