// How do many callers wait for their runs to end? Together: one statement asks for all of them at once,
// and only while somebody waits. Any replica can answer for a run that another one executes. A replica that
// has stopped its loops answers everybody at once: they ask again elsewhere, and nobody keeps it from going.
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
  #isLeaving = false;

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly timers: LoopTimers,
  ) {}

  onApplicationBootstrap(): void {
    this.timers.drive(this);
    this.timers.stopped.subscribe(() => {
      this.#isLeaving = true;
      this.#answer(() => true);
    });
  }

  /** Resolves when the run has ended, the time is up, the caller hung up, or the replica is leaving. */
  async wait(id: RunId, { ms, hungUp }: { ms: number; hungUp: (then: () => void) => void }): Promise<void> {
    if (this.#isLeaving) return;
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
    try {
      const ids = [...this.#waiters].map((waiter) => waiter.id);
      const finished = new Set(await finishedAmong(this.db, [...new Set(ids)]));
      const nowMs = systemClock.monotonicMs();
      this.#answer(({ id, untilMs }) => finished.has(id) || untilMs <= nowMs);
    } catch (error) {
      this.#answer(() => true); // the database is away: they read the run once more and are told so
      throw error;
    }
    return this.#waiters.size > 0 ? LOOK_MS : UNTIL_WOKEN_MS;
  }

  #answer(whom: (waiter: Waiter) => boolean): void {
    for (const waiter of [...this.#waiters].filter(whom)) {
      this.#waiters.delete(waiter);
      waiter.answer();
    }
  }
}
