// What becomes of planned runs of a tenant that is then suspended? The state at the due time counts. A due time that
// passes during the suspension is skipped, and its run taken back behind the owner's gate; one that is still ahead when
// the tenant is resumed runs. So a suspension changes nothing at once, however much is planned, and resuming fires none
// of the skipped due times. A run that its owner held at that moment is given back first, and then skipped.
import { withClaimsHeldOff } from '#cluster/slots/claims-hold.js';
import type { Database, Tx } from '#database/connection.js';
import type { Slot, TenantId } from '#kernel/ids.js';
import { findPlannedDue, skipPlanned } from './suspended-run.repository.js';

/** The owner's claims are held off while these are deleted: some milliseconds. */
const RUNS_PER_BATCH = 500;
const GATE_WAIT_MS = 1_000;
/** More than the longest look ahead plans for ten thousand schedules. */
const BATCHES_MAX = 100;
/** Everything left: runs that became due since the last batch. */
const REST_MAX = 1_000_000;

interface TenantInSlot {
  id: TenantId;
  slot: Slot;
}

/**
 * Skips the tenant's due runs, if it is suspended; every replica may call it. False when some may be left, because
 * there were too many or the owner of the slot hangs.
 */
export async function skipDueOf(db: Database, { id: tenantId, slot }: TenantInSlot): Promise<boolean> {
  const ids = await findPlannedDue(db, { tenantId, limit: RUNS_PER_BATCH });
  if (ids.length === 0) return true;
  const skipped = await withClaimsHeldOff(db, slot, { waitMs: GATE_WAIT_MS }, (tx) =>
    skipPlanned(tx, { tenantId, ids }),
  );
  return skipped !== null && ids.length < RUNS_PER_BATCH;
}

/**
 * Ends a suspension: `resume` makes the tenant active, in the transaction that skips the last due times of the
 * suspension, with claims held off. Before that, as many as possible are skipped in transactions of their own. Null,
 * with the tenant unchanged, when the owner of its slot hangs.
 */
export async function endSuspension<Value>(
  db: Database,
  tenant: TenantInSlot,
  resume: (tx: Tx) => Promise<Value>,
): Promise<Value | null> {
  for (let batch = 0; batch < BATCHES_MAX && !(await skipDueOf(db, tenant)); batch += 1);
  return withClaimsHeldOff(db, tenant.slot, { waitMs: GATE_WAIT_MS }, async (tx) => {
    const ids = await findPlannedDue(tx, { tenantId: tenant.id, limit: REST_MAX });
    if (ids.length > 0) await skipPlanned(tx, { tenantId: tenant.id, ids });
    return resume(tx);
  });
}
