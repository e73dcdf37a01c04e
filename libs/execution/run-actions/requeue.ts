// How does a run that is over get another chance? It goes back with its whole history and a fresh budget of
// failures. Which of those that were asked for are over, and the tenant's, is decided first, and they are locked: a
// claim that names one of them then does so from the time before it ended. It is told to forget just these, in the
// order in which ends are written: claim before run. What runs, or is another tenant's, stays in its claim.
// A run that held a unique key asks for it again as if it came in now, and stays over while another run holds it.
// Keys come before claims here, too: a transaction of the user's may hold one, and then end a run of its own.
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import type { RunOutcome } from '#database/tables/schema.js';
import type { RunId, TenantId } from '#kernel/ids.js';
import { lockClaimsNaming, lockEnded, requeueRuns, type EndedRun } from './requeue.repository.js';
import { shrinkClaims } from '#execution/settling/settlement.repository.js';
import { takeKeys } from '#execution/intake/unique-keys.js';

/** What can be tried again: everything but success. */
export const RETRIABLE = ['failed', 'dead-lettered', 'cancelled', 'expired'] as const satisfies RunOutcome[];

/** One that stays over, because another run holds its unique key. */
export interface KeptOut {
  id: RunId;
  key: string;
  holder: RunId;
}

export interface Retried {
  /** Were in one of the outcomes, and are queued now. */
  retried: RunId[];
  keptOut: KeptOut[];
}

export async function retryEnded(
  db: Database,
  request: { tenantId: TenantId; ids: readonly RunId[]; outcomes: readonly RunOutcome[] },
): Promise<Retried> {
  if (request.ids.length === 0) return { retried: [], keptOut: [] };
  return inTransaction(db, async (tx) => {
    const ended = await lockEnded(tx, request);
    const keptOut = await findKeptOut(tx, request.tenantId, ended);
    const stays = new Set(keptOut.map(({ id }) => id));
    const ids = ended.map(({ id }) => id).filter((id) => !stays.has(id));
    if (ids.length === 0) return { retried: [], keptOut };
    const claimIds = await lockClaimsNaming(tx, ids);
    if (claimIds.length > 0) await shrinkClaims(tx, { claimIds, runIds: ids });
    return { retried: await requeueRuns(tx, { ...request, ids }), keptOut };
  });
}

/** Takes the keys that are free, each for one run. */
async function findKeptOut(tx: Tx, tenantId: TenantId, ended: readonly EndedRun[]): Promise<KeptOut[]> {
  const keyed = ended.flatMap(({ id, key, windowMs }) =>
    key === null ? [] : [{ runId: id, key, windowMs }],
  );
  if (keyed.length === 0) return [];
  const holders = await takeKeys(tx, { tenantId, asked: keyed });
  return keyed.flatMap(({ runId, key }) => {
    const holder = holders.get(key);
    return holder === undefined || holder === runId ? [] : [{ id: runId, key, holder }];
  });
}
