// How long is the history of a tenant kept that wants a shorter retention than the installation's? As long as the
// tenant says, give or take the hour between two passes. Each transaction deletes a few thousand rows. A pass is
// bounded, too, and the next one continues.
import type { Database } from '#database/connection.js';
import { deleteEndedRuns, listShortRetentions } from './retention.repository.js';

const BATCH = 5_000;
const BATCHES_PER_TENANT = 200;

/** Resolves with how many runs were forgotten; ends early when the signal is aborted. */
export async function forgetEndedRuns(
  db: Database,
  {
    installationDays,
    batch = BATCH,
    signal,
  }: { installationDays: number; batch?: number; signal?: AbortSignal },
): Promise<number> {
  let forgotten = 0;
  for (const { tenantId, days } of await listShortRetentions(db, { installationDays })) {
    for (let done = 0; done < BATCHES_PER_TENANT; done += 1) {
      const deleted = await deleteEndedRuns(db, { tenantId, days, limit: batch });
      forgotten += deleted;
      if (signal?.aborted === true) return forgotten;
      if (deleted < batch) break;
    }
  }
  return forgotten;
}
