// How does a held run get from start to end? The executor starts the attempt, keeps the handles that stop it and give
// it up, and turns its result into the run's transition. It never throws: every failure of a handler ends up in the
// run's own record.
import type { DatabaseClock } from '#cluster/membership/database-clock.js';
import type { Membership } from '#cluster/membership/membership.js';
import type { Clock, Random } from '#kernel/clock.js';
import type { RunId } from '#kernel/ids.js';
import { Topic } from '#kernel/topic.js';
import { AttemptStopped, STOPPED_BECAUSE } from '#execution/runs/attempt-stopped.js';
import type { ChildRuns } from '#execution/intake/child-runs.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { CompleteInTx } from '#execution/settling/complete-in-tx.js';
import {
  transition,
  unbegun,
  type AttemptResult,
  type RunTransition,
} from '#execution/runs/decisions/run-transition.js';
import type { HeldRun } from '#execution/held/held-run.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import { replacedBy, unstarted, type UnstartedBecause } from './unstarted.js';
import { attemptServices } from './attempt-services.js';
import type { OpenReports } from '#execution/reports/progress-reports.js';
import { RunningAttempt, type AttemptKeeper } from './running-attempt.js';
import type { RunningAttempts } from './running-attempts.js';
import type { SettleLoop } from '#execution/settling/settle-loop.js';
import { encodeJson } from '#execution/runs/stored-json.js';
import type { ResolvedTarget, Targets } from '#execution/targets/targets.js';

export interface ExecutorParts {
  running: RunningAttempts;
  held: HeldRuns;
  targets: Targets;
  settleLoop: SettleLoop;
  completeInTx: CompleteInTx;
  databaseClock: DatabaseClock;
  clock: Clock;
  random: Random;
  /** Opens the reports of an attempt; calls `beat` with each sign of life. */
  beginReports: (run: ClaimedRun, beat: () => void) => OpenReports;
  children: ChildRuns;
  membership: Membership;
}

/** After so long the rules have been read again. */
const LOCKS_AGAIN_MS = 1_000;

export class Executor {
  /** The result of a handler whose attempt was over before. It is reported, and otherwise ignored. */
  readonly late = new Topic<{ runId: RunId; attempt: number; why: string; said: string }>();
  /** The error that an attempt threw, for the operator: its run's record has no stack. */
  readonly thrown = new Topic<{ run: ClaimedRun; error: unknown }>();
  readonly #keeper: AttemptKeeper;

  constructor(private readonly parts: ExecutorParts) {
    const { completeInTx, children, membership, databaseClock } = parts;
    const providers = {
      completeInTx,
      children,
      membership,
      beginReports: (attempt: RunningAttempt) =>
        parts.beginReports(attempt.held.run, () => this.#beat(attempt)),
      restartClock: this.#restartClock,
    };
    this.#keeper = {
      now: () => databaseClock.now(),
      services: (attempt) => attemptServices(providers, attempt),
      onEnd: (attempt, result) => this.#judge(attempt, result),
      onLate: (attempt, result) => this.#noteLate(attempt, result),
      onThrown: ({ held: { run } }, error) => this.thrown.publish({ run, error }),
    };
  }

  start(held: HeldRun): void {
    const { running, clock, databaseClock } = this.parts;
    const { run } = held;
    // The clock runs a little behind the database's; the start is never before run_at (I6).
    const startedAt = latest(databaseClock.now(), run.runAt);
    const attempt = new RunningAttempt(held, startedAt, clock.monotonicMs(), this.#keeper);
    running.add(attempt);
    const target = this.#resolve(run);
    if (target instanceof Promise) void target.then((known) => this.#call(attempt, known));
    else this.#call(attempt, target);
  }

  /**
   * Ends a run for another reason than the result of its attempt: at once if it has not started, else when it stops.
   */
  end(held: HeldRun, why: 'cancelled' | 'deadline'): void {
    const reason = why === 'cancelled' ? 'its cancellation was requested' : STOPPED_BECAUSE[why];
    if (this.parts.held.withdraw(held)) return this.endBeforeStart(held, why);
    this.#stop(held, new AttemptStopped(why, reason));
  }

  /** Ends a running run for a later one of its key. */
  replace(held: HeldRun, later: ClaimedRun): void {
    this.#stop(held, new AttemptStopped('replaced', replacedBy(later)));
  }

  #stop(held: HeldRun, stopped: AttemptStopped): void {
    const { running } = this.parts;
    const attempt = running.find(held);
    if (attempt === undefined) {
      // It was chosen to start: the start loop checks it once more right before the start (start-loop.ts).
      if (stopped.why !== 'deadline') held.isUnwanted = true;
      return;
    }
    running.stop(attempt, stopped);
    running.changed.publish();
  }

  /** Ends a run that was taken back or chosen to start, and has not begun. */
  endBeforeStart(held: HeldRun, why: UnstartedBecause): void {
    const { held: heldRuns, settleLoop, databaseClock } = this.parts;
    heldRuns.markEnded(held);
    settleLoop.noteEnd({
      run: held.run,
      startedAt: null,
      finishedAt: databaseClock.now(),
      lastNote: null,
      transition: unstarted(why, held.run),
      outputJson: null,
    });
    this.parts.running.changed.publish();
  }

  /** Null when the database could not be asked; the run is not to blame then. */
  #resolve(run: ClaimedRun): ResolvedTarget | null | Promise<ResolvedTarget | null> {
    try {
      const target = this.parts.targets.resolve(run);
      return target instanceof Promise ? target.catch(() => null) : target;
    } catch {
      return null;
    }
  }

  #call(attempt: RunningAttempt, target: ResolvedTarget | null): void {
    const { startedAt } = attempt;
    const { run } = attempt.held;
    if (target === null) return this.#end(attempt, unbegun(run), null);
    // The owner's rules and the target are read at different times: a job type that was just deleted or changed may name
    // locks in one of them only, and its handler must not run without.
    const lacks = (name: string): boolean => run.locks?.[name] === undefined;
    if (target.locks.some(lacks) || run.ownLocks?.some(({ name }) => lacks(name)) === true)
      return this.#end(attempt, { kind: 'put-off', delayMs: LOCKS_AGAIN_MS }, null);
    // Not sooner: a run that is given back has not started, and its fire stays open.
    if (run.scheduleId !== null && run.dueAt !== null)
      this.parts.settleLoop.noteFireStart({
        claimId: run.claimId,
        scheduleId: run.scheduleId,
        dueAt: run.dueAt,
        startedAt,
      });
    attempt.timeoutMs = target.timeoutMs;
    attempt.heartbeatMs = target.heartbeatMs;
    attempt.retry = target.retry;
    attempt.deadlineAtMs = this.#deadlineOf(run);
    this.#restartClock(attempt);
    // The deadline may have passed while the target was looked up.
    if (run.deadline !== null && run.deadline <= this.#keeper.now())
      this.parts.running.stop(attempt, new AttemptStopped('deadline', STOPPED_BECAUSE.deadline), 0);
    attempt.call(target.tenant, target.call);
  }

  #judge(attempt: RunningAttempt, result: AttemptResult): void {
    const { random } = this.parts;
    const { retry } = attempt;
    const { failures } = attempt.held.run;
    const encoded = result.kind === 'succeeded' ? encodeJson(result.output) : null;
    if (encoded?.kind !== 'unfit')
      return this.#end(attempt, transition({ failures, result, retry, random }), encoded?.json ?? null);
    // The work is done; a retry would only bring the same output.
    const error = { name: 'UnfitOutput', message: encoded.reason };
    const unfit = { kind: 'failed', error, fatal: true } as const;
    this.#end(attempt, transition({ failures, result: unfit, retry, random }), null);
  }

  #end(attempt: RunningAttempt, becomes: RunTransition, outputJson: string | null): void {
    const { held, startedAt } = attempt;
    const { run } = held;
    const lastNote = attempt.reports?.end() ?? null;
    if (!this.parts.running.remove(attempt)) return;
    const nowMs = this.parts.clock.monotonicMs();
    if (becomes.kind === 'park') this.parts.held.markParked(held, nowMs);
    else this.parts.held.markEnded(held, nowMs);
    const finishedAt = latest(this.#keeper.now(), startedAt);
    this.parts.settleLoop.noteEnd({ run, startedAt, finishedAt, lastNote, transition: becomes, outputJson });
    this.parts.running.changed.publish();
  }

  #deadlineOf({ deadline }: ClaimedRun): number {
    if (deadline === null) return Number.POSITIVE_INFINITY;
    const { clock, databaseClock } = this.parts;
    return clock.monotonicMs() + deadline.getTime() - databaseClock.now().getTime();
  }

  readonly #restartClock = (attempt: RunningAttempt): void => {
    attempt.timeoutAtMs = this.parts.clock.monotonicMs() + attempt.timeoutMs;
    this.#beat(attempt);
    this.parts.running.noteOverdue(attempt);
  };

  #beat(attempt: RunningAttempt): void {
    if (attempt.heartbeatMs !== null)
      attempt.silentAtMs = this.parts.clock.monotonicMs() + attempt.heartbeatMs;
  }

  // The handlers of a fenced or unsure replica are given up at once: that they end a little later is no news.
  #noteLate({ held: { run }, signal }: RunningAttempt, result: AttemptResult): void {
    // A promise or timer that the handler did not await may have failed, before it returned or afterwards.
    const behind = signal.aborted ? 'an error behind its back' : 'it had returned';
    const why = signal.reason instanceof AttemptStopped ? signal.reason.why : behind;
    if (why === 'replica-fenced' || why === 'replica-unsure') return;
    const said = result.kind === 'failed' ? `failed: ${result.error.message}` : result.kind;
    this.late.publish({ runId: run.id, attempt: run.attempt, why, said });
  }
}

function latest(a: Date, b: Date): Date {
  return a > b ? a : b;
}
