// How does an ended run get another chance? It goes back with its whole history and a fresh budget of failures. First
// the runs that are over and belong to the tenant are found and locked; a claim that names one of them then dates from
// before its end. That claim is told to forget just these runs, in the order in which ends are written: claim before
// run. A running run, or another tenant's, stays in its claim. A run that held a unique key takes it again as a new run
// would, and stays over while another run holds it. Keys come before claims here, too: a user's transaction may hold a
// key and then end a run of its own. The due time of a run that was over before it started is open again, so that no
// backfill makes another run for it. If one has, the run stays over. A run with a due time never has a unique key, so
// none takes a key and then stays over.
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import type { RunOutcome } from '#database/tables/schema.js';
import type { RunId, TenantId } from '#kernel/ids.js';
import {
  lockClaimsNaming,
  lockEnded,
  openFires,
  queueEndedRuns,
  type EndedRun,
} from './retry-ended.repository.js';
import { shrinkClaims } from '#execution/settling/settlement.repository.js';
import { takeKeys } from '#execution/intake/unique-keys.js';

/** The outcomes that can be retried: all but success. */
export const RETRIABLE = ['failed', 'dead-lettered', 'cancelled', 'expired'] as const satisfies RunOutcome[];

/** A run that stays over because another run holds its unique key, or has its due time. */
export interface KeptOut {
  id: RunId;
  /** Null where it is about the due time. */
  key: string | null;
  holder: RunId;
}

export interface Retried {
  /** Runs that were in one of the outcomes and are queued now. */
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
    const free = without(keptOut, ended);
    if (free.length === 0) return { retried: [], keptOut };
    const ids = free.map(({ id }) => id);
    const claimIds = await lockClaimsNaming(tx, ids);
    const due = free.filter(({ hasDueTime }) => hasDueTime).map(({ id }) => id);
    if (due.length > 0) {
      const taken = await openFires(tx, { ...request, ids: due });
      keptOut.push(...taken.map((one) => ({ ...one, key: null })));
    }
    const back = without(keptOut, free).map(({ id }) => id);
    if (claimIds.length > 0) await shrinkClaims(tx, { claimIds, runIds: back });
    return { retried: await queueEndedRuns(tx, { ...request, ids: back }), keptOut };
  });
}

function without(keptOut: readonly KeptOut[], runs: readonly EndedRun[]): EndedRun[] {
  const stays = new Set(keptOut.map(({ id }) => id));
  return runs.filter(({ id }) => !stays.has(id));
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
