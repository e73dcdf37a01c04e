// How does a held run get from start to end? The executor starts the attempt, keeps the handle that stops
// it, and turns its result into what becomes of the run. It never throws: whatever a handler does ends up
// in the run's own record.
import type { DatabaseClock } from '#cluster/database-clock.js';
import type { Clock, Random } from '#kernel/clock.js';
import type { RunId } from '#kernel/ids.js';
import { Topic } from '#kernel/topic.js';
import { attemptRun, AttemptStopped } from './attempt.js';
import { transition, type AttemptResult } from './decisions/run-transition.js';
import type { HeldRun } from './held-run.js';
import type { HeldRuns } from './held-runs.js';
import type { SettleLoop } from './settle-loop.js';
import { encodeJson } from './stored-json.js';
import type { ResolvedTarget, Targets } from './targets.js';

interface RunningAttempt {
  readonly abort: AbortController;
  deadlineMs: number;
}

export interface ExecutorParts {
  held: HeldRuns;
  targets: Targets;
  settleLoop: SettleLoop;
  databaseClock: DatabaseClock;
  clock: Clock;
  random: Random;
}

export class Executor {
  /** An attempt began or ended: the next start or deadline may be another than before. */
  readonly changed = new Topic<void>();
  readonly #running = new Map<RunId, RunningAttempt>();

  constructor(private readonly parts: ExecutorParts) {}

  start(held: HeldRun): void {
    const attempt: RunningAttempt = { abort: new AbortController(), deadlineMs: Number.POSITIVE_INFINITY };
    this.#running.set(held.run.id, attempt);
    void this.#run(held, attempt);
  }

  /** Stops attempts that outlived their time; returns when the next one will. */
  stopOverdue(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { abort, deadlineMs } of this.#running.values()) {
      if (deadlineMs > nowMs) next = Math.min(next, deadlineMs);
      else if (!abort.signal.aborted)
        abort.abort(new AttemptStopped('timeout', 'the attempt took longer than its timeout'));
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
    const { result, retry } = await this.#attempt(held, attempt);
    if (this.#running.get(run.id) !== attempt) return;
    this.#running.delete(run.id);
    this.parts.held.markEnded(held, this.parts.clock.monotonicMs());
    const finishedAt = latest(databaseClock.now(), startedAt);
    settleLoop.noteEnd({ run, startedAt, finishedAt, ...this.#outcome(held, result, retry) });
    this.changed.publish();
  }

  async #attempt(
    held: HeldRun,
    attempt: RunningAttempt,
  ): Promise<{ result: AttemptResult; retry: ResolvedTarget['retry'] | null }> {
    let target: ResolvedTarget;
    try {
      target = await this.parts.targets.resolve(held.run);
    } catch {
      return { result: { kind: 'released' }, retry: null }; // the database's fault, not the run's
    }
    attempt.deadlineMs = this.parts.clock.monotonicMs() + target.timeoutMs;
    this.changed.publish();
    return { result: await attemptRun(held.run, target.call, attempt.abort.signal), retry: target.retry };
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
