// An attempt that is under way, from the call of its target to its result, and the moments at which it has taken too long,
// all on this process's monotonic clock. A handler that is stopped has a grace time; if it does not stop in time, the
// attempt is given up: it ends without the handler, whose late result is reported and changes nothing. One object, and
// what hardly any handler asks for is made when it is asked for: a busy replica makes tens of thousands a second.
import type { TenantName } from '#kernel/ids.js';
import type { Placed } from '#execution/runs/bag.js';
import type { HeldRun } from '#execution/held/held-run.js';
import type { OpenReports } from '#execution/reports/progress-reports.js';
import { inAttempt, type InScope } from '#execution/runs/attempt-scope.js';
import type { AttemptResult, RetryRule } from '#execution/runs/decisions/run-transition.js';
import { AttemptContext, type AttemptServices, type GivenToContext } from '#execution/targets/job-context.js';
import type { CallTarget } from '#execution/targets/targets.js';
import { failedResult, isSteering, resultAfterStop, stoppedResult } from './attempt-result.js';

/** What an attempt asks of its executor, and tells it. */
export interface AttemptKeeper {
  /** The time in the database. */
  now: () => Date;
  services: (attempt: RunningAttempt) => AttemptServices;
  /** Called once, perhaps before `call` returns. */
  onEnd: (attempt: RunningAttempt, result: AttemptResult) => void;
  /** Called with a result that comes after the attempt was over. */
  onLate: (attempt: RunningAttempt, result: AttemptResult) => void;
  /** Called with a thrown failure, which the result shows in part only. */
  onThrown: (attempt: RunningAttempt, error: unknown) => void;
}

/** Before its target is known. */
const NO_RETRY: RetryRule = { maxAttempts: 1, kind: 'fixed', minMs: 0, maxMs: 0, jitter: 0 };

export class RunningAttempt implements Placed, InScope, GivenToContext {
  place = -1;
  retry = NO_RETRY;
  timeoutMs = Number.POSITIVE_INFINITY;
  /** When its timeout ends. */
  timeoutAtMs = Number.POSITIVE_INFINITY;
  /** Null when it need not send heartbeats. */
  heartbeatMs: number | null = null;
  /** When it has been silent for too long. */
  silentAtMs = Number.POSITIVE_INFINITY;
  /** When its run expires, even if it still runs. */
  deadlineAtMs = Number.POSITIVE_INFINITY;
  /** When it is given up, once it was stopped. */
  graceEndsAtMs = Number.POSITIVE_INFINITY;
  /** Whether its start is recorded in the claim's row. */
  isNoted = false;
  isStopped = false;
  isOver = false;
  /** Null until its handler first asks for one of its services. */
  reports: OpenReports | null = null;
  readonly #stop = new AbortController();
  /** Null before its target is called. */
  #context: AttemptContext | null = null;

  constructor(
    readonly held: HeldRun,
    readonly startedAt: Date,
    readonly startedAtMs: number,
    private readonly keeper: AttemptKeeper,
  ) {}

  /** When it will be stopped. */
  get overdueAtMs(): number {
    return Math.min(this.timeoutAtMs, this.silentAtMs, this.deadlineAtMs);
  }

  /** Why it will be stopped then. */
  get overdueWhy(): 'deadline' | 'timeout' | 'heartbeat-missed' {
    const atMs = this.overdueAtMs;
    if (atMs === this.deadlineAtMs) return 'deadline';
    return atMs === this.timeoutAtMs ? 'timeout' : 'heartbeat-missed';
  }

  /** Node makes a signal when it is first asked for: most handlers do not. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  services(): AttemptServices {
    return this.keeper.services(this);
  }

  /** One that was stopped before ends at once. */
  call(tenant: TenantName, call: CallTarget): void {
    if (this.isStopped) return this.keeper.onEnd(this, stoppedResult(this.signal.reason));
    const { run } = this.held;
    this.#context = new AttemptContext(run, tenant, this);
    // With callbacks: one more promise costs 0.1 µs a run.
    try {
      inAttempt(this, call, run, this.#context).then(
        (result) => this.#end(result),
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Tells its handler to stop; the first reason stays. */
  stop(reason: unknown): void {
    this.isStopped = true;
    this.#stop.abort(reason);
  }

  /** Ends it without its handler; only after `stop`. Does nothing before its target is called. */
  giveUp(): void {
    if (this.#context !== null) this.#end(null);
  }

  /** A promise or timer that the handler did not await has failed. The handler may still be running, so it is stopped. */
  failBehind(error: unknown): void {
    this.#fail(error);
    this.stop(error);
  }

  #fail(error: unknown): void {
    if (!isSteering(error)) this.keeper.onThrown(this, error);
    this.#end(failedResult(error, this.keeper.now()));
  }

  #end(result: AttemptResult | null): void {
    if (!this.isOver) {
      this.isOver = true;
      this.keeper.onEnd(this, this.#counting(result));
    } else if (result !== null) this.keeper.onLate(this, result);
  }

  #counting(result: AttemptResult | null): AttemptResult {
    if (this.#context !== null && AttemptContext.isCompleted(this.#context)) return { kind: 'completed' };
    if (result === null) return stoppedResult(this.signal.reason);
    return this.isStopped ? resultAfterStop(result, this.signal.reason) : result;
  }
}
