// How do many callers wait for their runs to end? Together: one statement asks for all of them at once,
// and only while somebody waits. Any replica can answer for a run that another one executes.
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Database } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { finishedAmong } from '#execution/run.repository.js';
import type { RunId } from '#kernel/ids.js';
import { UNTIL_WOKEN_MS, type Loop } from '#kernel/loop.js';
import { LoopTimers } from '../loop-timers.js';
import { API_DATABASE } from '../tokens.js';

interface Waiter {
  id: RunId;
  untilMs: number;
  answer: () => void;
}

const LOOK_MS = 25;

@Injectable()
export class RunWaiters implements Loop, OnApplicationBootstrap {
  readonly name = 'run-waiters';
  readonly #waiters = new Set<Waiter>();

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly timers: LoopTimers,
  ) {}

  onApplicationBootstrap(): void {
    this.timers.drive(this);
  }

  /** Resolves when the run has ended, the time is up, or the caller hung up. */
  async wait(id: RunId, { ms, hungUp }: { ms: number; hungUp: (then: () => void) => void }): Promise<void> {
    await new Promise<void>((resolve) => {
      const waiter = { id, untilMs: systemClock.monotonicMs() + ms, answer: resolve };
      this.#waiters.add(waiter);
      hungUp(() => {
        this.#waiters.delete(waiter);
        resolve();
      });
      this.timers.wake(this);
    });
  }

  async runOnce(): Promise<number> {
    if (this.#waiters.size === 0) return UNTIL_WOKEN_MS;
    const asked = [...this.#waiters];
    const finished = new Set(await finishedAmong(this.db, [...new Set(asked.map((waiter) => waiter.id))]));
    const nowMs = systemClock.monotonicMs();
    for (const waiter of asked.filter(({ id, untilMs }) => finished.has(id) || untilMs <= nowMs)) {
      this.#waiters.delete(waiter);
      waiter.answer();
    }
    return this.#waiters.size > 0 ? LOOK_MS : UNTIL_WOKEN_MS;
  }
}
