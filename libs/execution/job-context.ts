// What is a handler told about its attempt, and what can it do besides returning?
import type { JobContext } from '#client/job-definition.js';
import type { ClaimedRun } from './claimed-run.js';

export type CompleteInTx = JobContext['completeInTx'];

export function jobContextOf(run: ClaimedRun, signal: AbortSignal, completeInTx: CompleteInTx): JobContext {
  const { id, tenantId, attempt, dueAt } = run;
  return { tenant: tenantId, runId: id, attempt, dueAt, idempotencyKey: id, signal, completeInTx };
}
