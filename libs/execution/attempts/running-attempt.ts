// An attempt that is under way, and the moments at which it has taken too long, all on this process's monotonic clock.
import type { Placed } from '#kernel/bag.js';
import type { HeldRun } from '#execution/held/held-run.js';
import type { OpenReports } from '#execution/reports/progress-reports.js';

export class RunningAttempt implements Placed {
  place = -1;
  /** Stops its handler; the first reason stays. */
  readonly stop = new AbortController();
  /** Ends it without its handler; only after `stop`. Does nothing before its target is called. */
  giveUp: () => void = () => undefined;
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
  isOver = false;
  /** Null until its handler first asks for one of its services. */
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
