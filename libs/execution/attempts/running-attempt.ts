// What does the executor know of an attempt that is under way, and when has it taken too long? All moments are on this
// process's monotonic clock.
import type { HeldRun } from '#execution/held/held-run.js';
import type { OpenReports } from '#execution/reports/progress-reports.js';

export class RunningAttempt {
  /** Tells its handler to stop; the first reason stays. */
  readonly stop = new AbortController();
  /** Ends it whatever its handler does; only after `stop`. Nothing is to be given up before its target is called. */
  giveUp: () => void = () => undefined;
  timeoutMs = Number.POSITIVE_INFINITY;
  /** When it has taken too long. */
  timeoutAtMs = Number.POSITIVE_INFINITY;
  /** Null when it need not say that it is alive. */
  heartbeatMs: number | null = null;
  /** When it has been silent for too long. */
  silentAtMs = Number.POSITIVE_INFINITY;
  /** When its run is over, whatever it does. */
  deadlineAtMs = Number.POSITIVE_INFINITY;
  /** When it is given up, once it was told to stop. */
  graceEndsAtMs = Number.POSITIVE_INFINITY;
  /** Whether the claim's row says when it began. */
  isNoted = false;
  isOver = false;
  /** Null until it asks for something to call. */
  reports: OpenReports | null = null;

  constructor(
    readonly held: HeldRun,
    readonly startedAt: Date,
    readonly startedAtMs: number,
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
}
