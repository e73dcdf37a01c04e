// How long does a tenant's history live that wants it shorter than the installation? As long as it says, give or
// take the hour between two passes. Each transaction deletes a few thousand rows; a pass has an end, too, and the
// next one goes on where it left off.
import type { Database } from '#database/connection.js';
import { deleteEndedRuns, listShortRetentions } from './retention.repository.js';

const BATCH = 5_000;
const BATCHES_PER_TENANT = 200;

/** Resolves with the number of runs that were forgotten, sooner when the signal says so. */
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
