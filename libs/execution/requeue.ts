// How does a run that is over get another chance? It goes back with its whole history and a fresh budget of
// failures. Claims that still name it from the time before it ended are told to forget it first, in the order
// in which ends are written: claim before run.
import type { Database } from '#database/connection.js';
import type { RunOutcome } from '#database/schema.js';
import type { RunId, TenantId } from '#kernel/ids.js';
import { lockClaimsNaming, requeueRuns } from './requeue.repository.js';
import { shrinkClaims } from './settlement.repository.js';

/** What can be tried again: everything but success. */
export const RETRIABLE = ['failed', 'dead-lettered', 'cancelled', 'expired'] as const satisfies RunOutcome[];

/** Resolves with those that were in one of these outcomes, and are queued now. */
export async function retryEnded(
  db: Database,
  request: { tenantId: TenantId; ids: readonly RunId[]; outcomes: readonly RunOutcome[] },
): Promise<RunId[]> {
  if (request.ids.length === 0) return [];
  return db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      const claimIds = await lockClaimsNaming(tx, request.ids);
      if (claimIds.length > 0) await shrinkClaims(tx, { claimIds, runIds: request.ids });
      return requeueRuns(tx, request);
    });
}
