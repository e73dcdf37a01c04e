// Asks a replica what became of the schedule's due times before that of the run. The lease is kept by the question, as by
// any other call that names it.
import type { PreviousFire } from '#client/jobs/job-schedules.js';
import { insist, type CallWorkerApi } from './worker-calls.js';

interface Asking {
  lease: { token: string };
  call: CallWorkerApi;
  onError: (error: Error) => void;
}

interface Answer {
  previousFire: (Omit<PreviousFire, 'previousDueAt'> & { previousDueAt: string | null }) | null;
}

/** Rejects with the signal's reason once it is aborted. */
export async function askPreviousFire(
  { lease, call, onError }: Asking,
  signal: AbortSignal,
): Promise<PreviousFire | null> {
  const ask = { path: `leases/${lease.token}:previousFire`, body: {}, signal };
  const { previousFire } = await insist(() => call<Answer>(ask), { signal, onError });
  if (previousFire === null) return null;
  const { previousDueAt, ...found } = previousFire;
  return { ...found, previousDueAt: previousDueAt === null ? null : new Date(previousDueAt) };
}
