// What is a handler told about its attempt, and what can it do besides returning?
import type { JobContext } from '#client/job-definition.js';
import type { ClaimedRun } from './claimed-run.js';

export type CompleteInTx = JobContext['completeInTx'];

/** What an attempt is given besides its run. */
export interface AttemptMeans extends Pick<
  JobContext,
  'log' | 'progress' | 'heartbeat' | 'enqueue' | 'completeInTx'
> {
  clock?: AttemptClock;
}

/** The attempt's timeout, for a target that has to wait before it can begin. */
export interface AttemptClock {
  stop(): void;
  restart(): void;
}

/** Beside the context and not in it: it is no business of handlers. */
const clocks = new WeakMap<JobContext, AttemptClock>();

export function jobContextOf(run: ClaimedRun, signal: AbortSignal, means: AttemptMeans): JobContext {
  const { id, tenantId, attempt, dueAt, details } = run;
  const { log, progress, heartbeat, enqueue, completeInTx, clock } = means;
  const context: JobContext = {
    tenant: tenantId,
    runId: id,
    attempt,
    dueAt,
    idempotencyKey: id,
    signal,
    lastDetails: details,
    log,
    progress,
    heartbeat,
    enqueue,
    completeInTx,
  };
  if (clock !== undefined) clocks.set(context, clock);
  return context;
}

export function attemptClockOf(context: JobContext): AttemptClock | undefined {
  return clocks.get(context);
}
