// What can one attempt do besides returning? It speaks, starts other runs, and completes its own; each of these means
// is put together when it is asked for.
import type { JobContext } from '#client/jobs/job-definition.js';
import type { TenantName } from '#kernel/ids.js';
import type { ChildRuns } from '#execution/intake/child-runs.js';
import type { Completion } from '#execution/settling/completion.js';
import type { AttemptClock, AttemptMeans } from '#execution/targets/job-context.js';
import type { OpenReports } from '#execution/reports/progress-reports.js';
import type { RunningAttempt } from './running-attempt.js';

export interface MeansParts {
  completion: Completion;
  children: ChildRuns;
  /** Opens what the attempt can say while it runs. */
  reportsOf: (attempt: RunningAttempt) => OpenReports;
  /** Begins the attempt's time anew. */
  restartClock: (attempt: RunningAttempt) => void;
}

export class ExecutorMeans implements AttemptMeans {
  constructor(
    private readonly parts: MeansParts,
    private readonly attempt: RunningAttempt,
    readonly tenant: TenantName,
  ) {}

  get log(): JobContext['log'] {
    return this.parts.reportsOf(this.attempt).log;
  }

  get progress(): JobContext['progress'] {
    return this.parts.reportsOf(this.attempt).progress;
  }

  get heartbeat(): JobContext['heartbeat'] {
    return this.parts.reportsOf(this.attempt).heartbeat;
  }

  get enqueue(): JobContext['enqueue'] {
    return this.parts.children.enqueueFrom(this.attempt.held.run);
  }

  get completeInTx(): JobContext['completeInTx'] {
    const { held, startedAt, stop } = this.attempt;
    return (work) =>
      this.parts.completion.complete(
        { run: held.run, startedAt, stop, lastNote: () => this.attempt.reports?.last() ?? null },
        work,
      );
  }

  get clock(): AttemptClock {
    const { attempt } = this;
    return {
      stop: () => {
        attempt.timeoutAtMs = attempt.silentAtMs = Number.POSITIVE_INFINITY;
      },
      restart: () => this.parts.restartClock(attempt),
    };
  }
}
