// How do many callers wait for their runs to end? Together: while there are callers, one statement reads all of their
// runs. It runs when a run has ended here, when another replica reports an end, and each second in any case. The
// pause after a scan depends on the server's time for it alone, so a wait for a connection, or for this process,
// delays no later scan. Any replica can answer for a run that another one executes. A replica that has stopped its
// loops answers every caller at once: they ask elsewhere, and none delays its end.
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Database } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { finishedAmong } from '#execution/runs/run-pages.repository.js';
import type { RunId } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Pace } from '#kernel/pace.js';
import { LoopTimers } from '../../loop-timers.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { RUN_WAITERS } from '../../replica/wake-ups.js';
import { API_DATABASE } from '../../tokens.js';
import { TimeUps } from '../answers/time-ups.js';

interface Waiter {
  id: RunId;
  untilMs: number;
  answer: () => void;
}

const LOOK_MS = 1_000;
/**
 * The least pause between two scans, however many runs end. Scans for many callers take no more than a tenth of the
 * server's time, but never pause for longer than LOOK_MS.
 */
const BETWEEN_LOOKS_MS = 25;
const LOOK_SHARE = 0.1;
/** A replica that has not received this hint for a while sends no hints about ends. */
const SAY_AWAITED_MS = 2_000;

@Injectable()
export class RunWaiters implements Loop, OnApplicationBootstrap {
  readonly name = RUN_WAITERS.name;
  readonly #waiters = new Set<Waiter>();
  readonly #timeUps: TimeUps<Waiter>;
  #isLeaving = false;
  #lookAtMs = Number.NEGATIVE_INFINITY;
  readonly #saying = new Pace(SAY_AWAITED_MS);

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly timers: LoopTimers,
    private readonly replica: ReplicaService,
  ) {
    this.#timeUps = new TimeUps('run-waits', timers, this.#waiters, (waiter) => this.#answer(waiter));
  }

  onApplicationBootstrap(): void {
    this.timers.drive(this);
    this.timers.drive(this.#timeUps);
    this.timers.stopped.subscribe(() => {
      this.#isLeaving = true;
      this.#answerAll();
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
      this.#timeUps.note(waiter);
    });
  }

  async runOnce(): Promise<number> {
    if (this.#waiters.size === 0) return SLEEP_MS;
    const startedAtMs = systemClock.monotonicMs();
    if (startedAtMs < this.#lookAtMs) return this.#lookAtMs - startedAtMs;
    this.#sayAwaited(startedAtMs);
    try {
      const tookMs = await this.#look();
      const pauseMs = Math.min(LOOK_MS, Math.max(BETWEEN_LOOKS_MS, tookMs / LOOK_SHARE));
      this.#lookAtMs = systemClock.monotonicMs() + pauseMs;
    } catch (error) {
      this.#answerAll(); // the database is down: the callers read their run once more, and get its error
      throw error;
    }
    return this.#waiters.size === 0 ? SLEEP_MS : LOOK_MS;
  }

  async #look(): Promise<number> {
    const ids = new Set([...this.#waiters].map((waiter) => waiter.id));
    const { ended, tookMs } = await finishedAmong(this.db, [...ids]);
    const finished = new Set(ended);
    for (const waiter of this.#waiters) if (finished.has(waiter.id)) this.#answer(waiter);
    return tookMs;
  }

  #sayAwaited(nowMs: number): void {
    if (this.#saying.dueInMs(nowMs) > 0) return;
    this.#saying.done(nowMs);
    this.replica.hintAwaited();
  }

  #answerAll(): void {
    for (const waiter of this.#waiters) this.#answer(waiter);
  }

  #answer(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    waiter.answer();
  }
}
