// The services of an attempt: its log, progress and heartbeats, enqueueing other runs, and completing its own.
import type { Membership } from '#cluster/membership/membership.js';
import type { Database } from '#database/connection.js';
import type { ChildRuns } from '#execution/intake/child-runs.js';
import type { OpenReports } from '#execution/reports/progress-reports.js';
import type { CompleteInTx } from '#execution/settling/complete-in-tx.js';
import { findPreviousFire } from '#execution/runs/previous-fire.repository.js';
import type { AttemptServices } from '#execution/targets/job-context.js';
import type { RunningAttempt } from './running-attempt.js';

export interface ServiceProviders {
  completeInTx: CompleteInTx;
  children: ChildRuns;
  membership: Membership;
  /** Opens the log, progress and heartbeats of the attempt. */
  beginReports: (attempt: RunningAttempt) => OpenReports;
  /** Restarts the attempt's timeout. */
  restartClock: (attempt: RunningAttempt) => void;
}

export function attemptServices(
  { completeInTx, children, membership, beginReports, restartClock }: ServiceProviders,
  attempt: RunningAttempt,
): AttemptServices {
  const { startedAt, signal } = attempt;
  const { run } = attempt.held;
  const reports = beginReports(attempt);
  attempt.reports = reports;
  // Reports of a late handler are dropped.
  if (attempt.isOver) reports.end();
  const { log, progress, heartbeat } = reports;
  return {
    log,
    progress,
    heartbeat,
    enqueue: children.enqueueFrom(run),
    previousFire: async () => findPreviousFire(dbOf(membership), run),
    completeInTx: (work) =>
      completeInTx.complete({ run, startedAt, signal, lastNote: () => reports.last() }, work),
    clock: {
      stop: () => {
        attempt.timeoutAtMs = attempt.silentAtMs = Number.POSITIVE_INFINITY;
      },
      restart: () => restartClock(attempt),
    },
  };
}

function dbOf({ incarnation }: Membership): Database {
  if (incarnation !== null) return incarnation.db;
  throw new Error('expected this replica to be a member of the cluster, got one that is cut off');
}
