// How does a held run get from start to end? The executor starts the attempt, keeps the handle that stops
// it, and turns its result into what becomes of the run. It never throws: whatever a handler does ends up
// in the run's own record.
import type { DatabaseClock } from '#cluster/database-clock.js';
import type { Clock, Random } from '#kernel/clock.js';
import type { RunId } from '#kernel/ids.js';
import { Topic } from '#kernel/topic.js';
import type { ChildRuns } from './child-runs.js';
import { attemptRun, AttemptStopped } from './attempt.js';
import { transition, type AttemptResult } from './decisions/run-transition.js';
import type { HeldRun } from './held-run.js';
import type { HeldRuns } from './held-runs.js';
import type { OpenReports } from './progress-reports.js';
import type { SettleLoop } from './settle-loop.js';
import { encodeJson } from './stored-json.js';
import type { ClaimedRun } from './claimed-run.js';
import type { ResolvedTarget, Targets } from './targets.js';

interface RunningAttempt {
  readonly abort: AbortController;
  deadlineMs: number;
  timeoutMs: number;
  /** Null when it need not say that it is alive. */
  heartbeatMs: number | null;
  heartbeatDeadlineMs: number;
}

export interface ExecutorParts {
  held: HeldRuns;
  targets: Targets;
  settleLoop: SettleLoop;
  databaseClock: DatabaseClock;
  clock: Clock;
  random: Random;
  /** Opens what an attempt can say while it runs; `beat` is called with each sign of life. */
  beginReports: (run: ClaimedRun, beat: () => void) => OpenReports;
  children: ChildRuns;
}

export class Executor {
  /** An attempt began or ended: the next start or deadline may be another than before. */
  readonly changed = new Topic<void>();
  readonly #running = new Map<RunId, RunningAttempt>();

  constructor(private readonly parts: ExecutorParts) {}

  start(held: HeldRun): void {
    const attempt: RunningAttempt = {
      abort: new AbortController(),
      deadlineMs: Number.POSITIVE_INFINITY,
      timeoutMs: Number.POSITIVE_INFINITY,
      heartbeatMs: null,
      heartbeatDeadlineMs: Number.POSITIVE_INFINITY,
    };
    this.#running.set(held.run.id, attempt);
    void this.#run(held, attempt);
  }

  /** Stops attempts that outlived their time; returns when the next one will. */
  stopOverdue(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { abort, deadlineMs, heartbeatMs, heartbeatDeadlineMs } of this.#running.values()) {
      const soonest = Math.min(deadlineMs, heartbeatDeadlineMs);
      if (soonest > nowMs) next = Math.min(next, soonest);
      else if (abort.signal.aborted) continue;
      else if (deadlineMs <= nowMs)
        abort.abort(new AttemptStopped('timeout', 'the attempt took longer than its timeout'));
      else {
        const expected = `expected a heartbeat at least every ${heartbeatMs} ms, got none`;
        abort.abort(new AttemptStopped('heartbeat-missed', expected));
      }
    }
    return next;
  }

  /** Stops every attempt. Those that have started end as lost, which counts nothing against their runs. */
  stopAll(reason: AttemptStopped): void {
    for (const { abort } of this.#running.values()) abort.abort(reason);
  }

  /** Stops every attempt and forgets it: its claim is void, so there is nothing left to record. */
  abandonAll(reason: AttemptStopped): void {
    const abandoned = [...this.#running.values()];
    this.#running.clear();
    for (const { abort } of abandoned) abort.abort(reason);
  }

  async #run(held: HeldRun, attempt: RunningAttempt): Promise<void> {
    const { run } = held;
    const { databaseClock, settleLoop } = this.parts;
    // The clock runs a little behind the database's; the start is never before run_at (I6).
    const startedAt = latest(databaseClock.now(), run.runAt);
    if (run.scheduleId !== null && run.dueAt !== null) {
      settleLoop.noteStart({ claimId: run.claimId, scheduleId: run.scheduleId, dueAt: run.dueAt, startedAt });
    }
    const reports = this.parts.beginReports(run, () => this.#beat(attempt));
    const { result, retry } = await this.#attempt(held, attempt, reports);
    const lastNote = reports.end();
    if (this.#running.get(run.id) !== attempt) return;
    this.#running.delete(run.id);
    this.parts.held.markEnded(held, this.parts.clock.monotonicMs());
    const finishedAt = latest(databaseClock.now(), startedAt);
    settleLoop.noteEnd({ run, startedAt, finishedAt, lastNote, ...this.#outcome(held, result, retry) });
    this.changed.publish();
  }

  async #attempt(
    held: HeldRun,
    attempt: RunningAttempt,
    reports: OpenReports,
  ): Promise<{ result: AttemptResult; retry: ResolvedTarget['retry'] | null }> {
    let target: ResolvedTarget;
    try {
      target = await this.parts.targets.resolve(held.run);
    } catch {
      return { result: { kind: 'released' }, retry: null }; // the database's fault, not the run's
    }
    attempt.timeoutMs = target.timeoutMs;
    attempt.heartbeatMs = target.heartbeatMs ?? null;
    this.#restartClock(attempt);
    const clock = {
      stop: () => {
        attempt.deadlineMs = attempt.heartbeatDeadlineMs = Number.POSITIVE_INFINITY;
      },
      restart: () => this.#restartClock(attempt),
    };
    const enqueue = this.parts.children.enqueueFrom(held.run);
    const means = { ...reports, clock, enqueue };
    const result = await attemptRun(held.run, target.call, attempt.abort.signal, means);
    return { result, retry: target.retry };
  }

  #restartClock(attempt: RunningAttempt): void {
    attempt.deadlineMs = this.parts.clock.monotonicMs() + attempt.timeoutMs;
    this.#beat(attempt);
    this.changed.publish();
  }

  #beat(attempt: RunningAttempt): void {
    if (attempt.heartbeatMs === null) return;
    attempt.heartbeatDeadlineMs = this.parts.clock.monotonicMs() + attempt.heartbeatMs;
  }

  #outcome({ run }: HeldRun, result: AttemptResult, retry: ResolvedTarget['retry'] | null) {
    const { random } = this.parts;
    if (retry === null || result.kind === 'released')
      return { transition: { kind: 'release' } as const, outputJson: null };
    if (result.kind !== 'succeeded')
      return { transition: transition({ failures: run.failures, result, retry, random }), outputJson: null };
    const encoded = encodeJson(result.output);
    if (encoded.kind === 'encoded') {
      return {
        transition: transition({ failures: run.failures, result, retry, random }),
        outputJson: encoded.json,
      };
    }
    // The work is done; doing it again would only bring the same output.
    const unfit = {
      kind: 'failed',
      error: { name: 'UnfitOutput', message: encoded.reason },
      fatal: true,
    } as const;
    return {
      transition: transition({ failures: run.failures, result: unfit, retry, random }),
      outputJson: null,
    };
  }
}

function latest(a: Date, b: Date): Date {
  return a > b ? a : b;
}
