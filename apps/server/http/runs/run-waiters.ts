// How do many callers wait for their runs to end? Together: one statement asks for all of them at once,
// and only while there are callers: when a run has ended here, when another replica says so, and each second in any case.
// Any replica can answer for a run that another one executes. A replica that has stopped its loops answers every
// caller at once: they ask again elsewhere, and none keeps it from going.
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Database } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { finishedAmong } from '#execution/runs/run-pages.repository.js';
import type { RunId } from '#kernel/ids.js';
import { UNTIL_WOKEN_MS, type Loop } from '#kernel/loop.js';
import { LoopTimers } from '../../loop-timers.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { RUN_WAITERS } from '../../replica/wake-ups.js';
import { API_DATABASE } from '../../tokens.js';

interface Waiter {
  id: RunId;
  untilMs: number;
  answer: () => void;
}

const LOOK_MS = 1_000;
/** However many runs end. A look at many takes its time, and no more than a tenth of it. */
const BETWEEN_LOOKS_MS = 25;
const LOOK_SHARE = 0.1;
/** Who has not heard this for a while tells nobody of ends. */
const SAY_AWAITED_MS = 2_000;

@Injectable()
export class RunWaiters implements Loop, OnApplicationBootstrap {
  readonly name = RUN_WAITERS.name;
  readonly #waiters = new Set<Waiter>();
  #isLeaving = false;
  #lookAtMs = Number.NEGATIVE_INFINITY;
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly timers: LoopTimers,
    private readonly replica: ReplicaService,
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
    const startedAtMs = systemClock.monotonicMs();
    if (startedAtMs < this.#lookAtMs) return this.#lookAtMs - startedAtMs;
    this.#sayAwaited(startedAtMs);
    try {
      await this.#look();
    } catch (error) {
      this.#answer(() => true); // the database is away: they read the run once more and are told so
      throw error;
    }
    const nowMs = systemClock.monotonicMs();
    this.#lookAtMs = nowMs + Math.max(BETWEEN_LOOKS_MS, (nowMs - startedAtMs) / LOOK_SHARE);
    return this.#nextMs(nowMs);
  }

  async #look(): Promise<void> {
    const ids = [...this.#waiters].map((waiter) => waiter.id);
    const finished = new Set(await finishedAmong(this.db, [...new Set(ids)]));
    const nowMs = systemClock.monotonicMs();
    this.#answer(({ id, untilMs }) => finished.has(id) || untilMs <= nowMs);
  }

  #sayAwaited(nowMs: number): void {
    if (nowMs - this.#saidAtMs < SAY_AWAITED_MS) return;
    this.#saidAtMs = nowMs;
    this.replica.hintAwaited();
  }

  #nextMs(nowMs: number): number {
    if (this.#waiters.size === 0) return UNTIL_WOKEN_MS;
    const first = Math.min(...[...this.#waiters].map((waiter) => waiter.untilMs));
    return Math.max(0, Math.min(LOOK_MS, first - nowMs));
  }

  #answer(whom: (waiter: Waiter) => boolean): void {
    for (const waiter of [...this.#waiters].filter(whom)) {
      this.#waiters.delete(waiter);
      waiter.answer();
    }
  }
}
