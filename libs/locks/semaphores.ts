// Makes, changes and deletes semaphores. What is held stays held when a semaphore gets fewer permits: new holds wait until
// there is room by the new number.
import { inTransaction, type Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';
import * as rows from './semaphore.repository.js';

export const SEMAPHORES_MAX = 1_000;

interface SemaphoreRef {
  tenantId: TenantId;
  name: string;
  /** The revision that the caller has seen; null for any. */
  revision: number | null;
}

export type PutResult =
  | { kind: 'created' | 'changed' | 'same'; semaphore: rows.Semaphore }
  | { kind: 'not-found' }
  | { kind: 'exists'; currentRevision: number }
  | { kind: 'stale'; currentRevision: number }
  | { kind: 'full'; current: number };

export async function putSemaphore(
  db: Database,
  { tenantId, name, revision }: SemaphoreRef,
  { permits, mayCreate, mayReplace }: { permits: number; mayCreate: boolean; mayReplace: boolean },
): Promise<PutResult> {
  return inTransaction(db, async (tx): Promise<PutResult> => {
    let found = await rows.lockSemaphore(tx, { tenantId, name });
    if (found === undefined) {
      if (!mayCreate) return { kind: 'not-found' };
      const current = await rows.countSemaphoresAlone(tx, tenantId);
      found = await rows.lockSemaphore(tx, { tenantId, name });
      if (found === undefined) {
        if (current >= SEMAPHORES_MAX) return { kind: 'full', current };
        const semaphore = await rows.insertSemaphore(tx, { tenantId, name, permits });
        return { kind: 'created', semaphore };
      }
    }
    if (!mayReplace) return { kind: 'exists', currentRevision: found.revision };
    if (revision !== null && revision !== found.revision)
      return { kind: 'stale', currentRevision: found.revision };
    if (found.permits === permits) return { kind: 'same', semaphore: found };
    return { kind: 'changed', semaphore: await rows.updateSemaphore(tx, { tenantId, name, permits }) };
  });
}

export type DeleteResult =
  | { kind: 'deleted' }
  | { kind: 'not-found' }
  | { kind: 'stale'; currentRevision: number }
  | { kind: 'in-use'; uses: number };

export async function deleteSemaphore(
  db: Database,
  { tenantId, name, revision }: SemaphoreRef,
): Promise<DeleteResult> {
  return inTransaction(db, async (tx): Promise<DeleteResult> => {
    const found = await rows.lockSemaphore(tx, { tenantId, name });
    if (found === undefined) return { kind: 'not-found' };
    if (revision !== null && revision !== found.revision)
      return { kind: 'stale', currentRevision: found.revision };
    // An acquisition under way counts, too: its hold may not be seen yet.
    const isUndisturbed = await rows.tryTurn(tx, { tenantId, name });
    const uses = isUndisturbed ? await rows.countPermitUses(tx, { tenantId, name }) : 1;
    if (uses > 0) return { kind: 'in-use', uses };
    await rows.deleteSemaphore(tx, { tenantId, name });
    return { kind: 'deleted' };
  });
}
