// What is a handler told about its attempt, and what can it do besides returning?
import type { JobContext } from '#client/job-definition.js';
import type { ClaimedRun } from './claimed-run.js';

/** What an attempt is given besides its run. */
export type AttemptMeans = Pick<JobContext, 'enqueue'>;

export function jobContextOf(run: ClaimedRun, signal: AbortSignal, { enqueue }: AttemptMeans): JobContext {
  const { id, tenantId, attempt, dueAt } = run;
  return { tenant: tenantId, runId: id, attempt, dueAt, idempotencyKey: id, signal, enqueue };
}
