// Deletes rows that requests leave behind: unique keys that no run holds any more, answers to requests that no client
// will send again, operations and locks that have ended and keys that were revoked long ago. It deletes in small
// batches, so that no statement delays other sessions.
import type { Database } from '#database/connection.js';
import { deleteEndedKeys, deleteOverKeys, type KeyPlace } from '#execution/intake/unique-key.repository.js';
import { clearEnded } from '#locks/hold.repository.js';
import { deleteOldOperations } from '#operations/operation.repository.js';
import { deleteOldKeys } from '#tenancy/api-key.repository.js';
import { ANSWERS_KEPT_HOURS } from '../http/access/idempotency.js';
import { deleteOldAnswers } from '../http/access/idempotency.repository.js';

const ROWS_PER_BATCH = 1_000;
/** After they have ended; docs/SCHEDULES.md and the description say so. */
const OPERATIONS_KEPT_DAYS = 30;
/** After so many batches the rest waits for the next time. */
const BATCHES_MAX = 1_000;

/** Stops between two batches when the signal is aborted; the next time continues. */
export async function clearAway(db: Database, signal?: AbortSignal): Promise<void> {
  await untilDone(() => deleteOverKeys(db, { limit: ROWS_PER_BATCH }), signal);
  await untilDone(
    () => deleteOldAnswers(db, { keptHours: ANSWERS_KEPT_HOURS, limit: ROWS_PER_BATCH }),
    signal,
  );
  await untilDone(
    () => deleteOldOperations(db, { keptDays: OPERATIONS_KEPT_DAYS, limit: ROWS_PER_BATCH }),
    signal,
  );
  await untilDone(() => clearEnded(db, { limit: ROWS_PER_BATCH }), signal);
  await deleteOldKeys(db);
  // Checks every key that is held until its run has ended; a page is one walk along the primary key.
  let after: KeyPlace | null = null;
  do {
    after = (await deleteEndedKeys(db, { after, limit: ROWS_PER_BATCH })) ?? null;
    if (signal?.aborted === true) return;
  } while (after !== null);
}

async function untilDone(clearBatch: () => Promise<number>, signal?: AbortSignal): Promise<void> {
  for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
    if (signal?.aborted === true || (await clearBatch()) < ROWS_PER_BATCH) return;
  }
}
