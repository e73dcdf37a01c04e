// How does a run that is over get another chance? It goes back with its whole history and a fresh budget of
// failures. Which of those that were asked for are over, and the tenant's, is decided first, and they are locked: a
// claim that names one of them then does so from the time before it ended. It is told to forget just these, in the
// order in which ends are written: claim before run. What runs, or is another tenant's, stays in its claim.
import { inTransaction, type Database } from '#database/connection.js';
import type { RunOutcome } from '#database/schema.js';
import type { RunId, TenantId } from '#kernel/ids.js';
import { lockClaimsNaming, lockEnded, requeueRuns } from './requeue.repository.js';
import { shrinkClaims } from './settlement.repository.js';

/** What can be tried again: everything but success. */
export const RETRIABLE = ['failed', 'dead-lettered', 'cancelled', 'expired'] as const satisfies RunOutcome[];

/** Resolves with those that were in one of these outcomes, and are queued now. */
export async function retryEnded(
  db: Database,
  request: { tenantId: TenantId; ids: readonly RunId[]; outcomes: readonly RunOutcome[] },
): Promise<RunId[]> {
  if (request.ids.length === 0) return [];
  return inTransaction(db, async (tx) => {
    const ids = await lockEnded(tx, request);
    if (ids.length === 0) return [];
    const claimIds = await lockClaimsNaming(tx, ids);
    if (claimIds.length > 0) await shrinkClaims(tx, { claimIds, runIds: ids });
    return requeueRuns(tx, { ...request, ids });
  });
}
