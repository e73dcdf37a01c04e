// The attempts under way in this replica: which of them must stop, when the next one must, and which starts are not
// recorded yet.
//
// A handler that does not stop when it should keeps its attempt, and its place among the running ones, for a grace
// time. Then the attempt is given up: the run ends or is retried, perhaps in this very process, although the old
// handler may still be working. That handler can't change the run any more, and its late result is reported.
import { Bag } from '#execution/runs/bag.js';
import type { Clock } from '#kernel/clock.js';
import { Topic } from '#kernel/topic.js';
import { AttemptStopped, STOPPED_BECAUSE } from '#execution/runs/attempt-stopped.js';
import type { HeldRun } from '#execution/held/held-run.js';
import type { RunningAttempt } from './running-attempt.js';

/** A shutdown has waited for the handlers already. */
const SHUTDOWN_GRACE_MS = 1_000;

export class RunningAttempts {
  /** An attempt began, ended or was stopped: the next start or deadline may have changed. */
  readonly changed = new Topic<void>();
  readonly #attempts = new Bag<RunningAttempt>((attempt) => attempt);
  /** No attempt is overdue, or to be given up, before this moment. */
  #soonestMs = Number.POSITIVE_INFINITY;

  /** `graceMs`: how long a handler may take to stop after its signal was aborted. */
  constructor(
    private readonly clock: Clock,
    private readonly graceMs: number,
  ) {}

  add(attempt: RunningAttempt): void {
    this.#attempts.add(attempt);
  }

  /** Undefined for a run that is not under way. */
  find(held: HeldRun): RunningAttempt | undefined {
    return this.all().find((attempt) => attempt.held === held);
  }

  /** In no order, and a copy. */
  all(): RunningAttempt[] {
    return this.#attempts.values();
  }

  /** False when it has been abandoned. */
  remove(attempt: RunningAttempt): boolean {
    return this.#attempts.delete(attempt);
  }

  stop(attempt: RunningAttempt, reason: AttemptStopped, graceMs = this.graceMs): void {
    const endsAtMs = this.clock.monotonicMs() + graceMs;
    attempt.graceEndsAtMs = Math.min(attempt.graceEndsAtMs, endsAtMs);
    this.#soonestMs = Math.min(this.#soonestMs, attempt.graceEndsAtMs);
    attempt.stop(reason); // the first reason stays
    if (graceMs === 0) attempt.giveUp();
  }

  /** Stops overdue attempts and gives up attempts that did not stop; returns when the next one will be overdue. */
  stopOverdue(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    if (nowMs < this.#soonestMs) return this.#soonestMs;
    for (const attempt of this.all()) {
      const { overdueAtMs } = attempt;
      if (overdueAtMs <= nowMs && !attempt.isStopped) {
        const why = attempt.overdueWhy;
        const because =
          why === 'heartbeat-missed'
            ? `expected a heartbeat at least every ${attempt.heartbeatMs} ms, got none`
            : STOPPED_BECAUSE[why];
        this.stop(attempt, new AttemptStopped(why, because));
      }
      if (attempt.graceEndsAtMs <= nowMs) attempt.giveUp();
      else next = Math.min(next, attempt.isStopped ? attempt.graceEndsAtMs : overdueAtMs);
    }
    this.#soonestMs = next;
    return next;
  }

  /** The start loop sleeps until the soonest of these moments, so it is woken only if this attempt's is sooner. */
  noteOverdue({ overdueAtMs }: RunningAttempt): void {
    if (overdueAtMs >= this.#soonestMs) return;
    this.#soonestMs = overdueAtMs;
    this.changed.publish();
  }

  /** Stops every attempt. Each ends as lost: it counts for nothing against its run. */
  stopAll(reason: AttemptStopped): void {
    // The replica that takes the runs over does not wait for our handlers.
    const graceMs = reason.why === 'shutdown' ? Math.min(SHUTDOWN_GRACE_MS, this.graceMs) : 0;
    for (const attempt of this.all()) this.stop(attempt, reason, graceMs);
    // Published only if there is a grace time to wait for: without trust the start loop stops all in each pass, and it
    // listens to this topic.
    if (graceMs > 0) this.changed.publish();
  }

  /** Stops every attempt and forgets it: its claim is void, so there is nothing left to record. */
  abandonAll(reason: AttemptStopped): void {
    const abandoned = this.all();
    this.#attempts.clear();
    for (const attempt of abandoned) this.stop(attempt, reason, 0);
  }

  /** Attempts that have been running for so long and whose start is not recorded yet. */
  unnoted(forMs: number): RunningAttempt[] {
    const beforeMs = this.clock.monotonicMs() - forMs;
    return this.all().filter(({ isNoted, startedAtMs }) => !isNoted && startedAtMs <= beforeMs);
  }
}
