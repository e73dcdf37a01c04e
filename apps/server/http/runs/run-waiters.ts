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
import { Waiters, type Wait } from '../answers/waiters.js';

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
  readonly #waiters: Waiters<RunId, void>;
  #lookAtMs = Number.NEGATIVE_INFINITY;
  readonly #saying = new Pace(SAY_AWAITED_MS);

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    timers: LoopTimers,
    private readonly replica: ReplicaService,
  ) {
    this.#waiters = new Waiters(this, timers, undefined);
  }

  onApplicationBootstrap(): void {
    this.#waiters.begin();
  }

  /** Resolves when the run has ended, the time is up, the caller hung up, or the replica is leaving. */
  async wait(id: RunId, wait: Wait): Promise<void> {
    const waited = this.replica.awaitEnd(id);
    try {
      await this.#waiters.wait(id, wait);
    } finally {
      waited();
    }
  }

  async runOnce(): Promise<number> {
    const { waiting } = this.#waiters;
    if (waiting.size === 0) return SLEEP_MS;
    const startedAtMs = systemClock.monotonicMs();
    if (startedAtMs < this.#lookAtMs) return this.#lookAtMs - startedAtMs;
    this.#sayAwaited(startedAtMs);
    try {
      const tookMs = await this.#look();
      const pauseMs = Math.min(LOOK_MS, Math.max(BETWEEN_LOOKS_MS, tookMs / LOOK_SHARE));
      this.#lookAtMs = systemClock.monotonicMs() + pauseMs;
    } catch (error) {
      this.#waiters.answerAll(); // the database is down: the callers read their run once more, and get its error
      throw error;
    }
    return waiting.size === 0 ? SLEEP_MS : LOOK_MS;
  }

  async #look(): Promise<number> {
    const { waiting } = this.#waiters;
    const ids = new Set([...waiting].map(({ wanted }) => wanted));
    const { ended, tookMs } = await finishedAmong(this.db, [...ids]);
    const finished = new Set(ended);
    for (const waiter of waiting) if (finished.has(waiter.wanted)) waiter.answer();
    return tookMs;
  }

  #sayAwaited(nowMs: number): void {
    if (this.#saying.dueInMs(nowMs) > 0) return;
    this.#saying.done(nowMs);
    this.replica.hintAwaited();
  }
}
