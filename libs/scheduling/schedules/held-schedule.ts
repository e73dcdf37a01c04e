// One schedule, held for a change. Claims of the tenant's slot are held off before the schedule's row is locked: with the
// row in hand, a change that waits for a hanging owner would hold up the planner and its other tenants.
import { withClaimsHeldOff } from '#cluster/slots/claims-hold.js';
import type { Database, Tx } from '#database/connection.js';
import type { Slot, TenantId } from '#kernel/ids.js';
import { lockSchedule, type Schedule } from './schedule.repository.js';

export interface ScheduleRef {
  tenant: { id: TenantId; slot: Slot };
  name: string;
  /** The revision that the caller has seen; null when it does not matter. */
  revision: number | null;
  /** Who changes it, as its revisions say. */
  by: string;
}

export type NotHeld = { kind: 'not-found' } | { kind: 'stale'; currentRevision: number } | OwnerHangs;

/** The plan can't be taken back while the owner does not answer; a hanging owner is replaced in a few seconds. */
export interface OwnerHangs {
  kind: 'owner-hangs';
}

export const GATE_WAIT_MS = 2_000;

/** Writes in a transaction in which each run of the schedule is either claimed, or the writer's to take back. */
export async function withSchedule<Result>(
  db: Database,
  { tenant, name, revision }: Omit<ScheduleRef, 'by'>,
  write: (tx: Tx, schedule: Schedule) => Promise<Result>,
): Promise<Result | NotHeld> {
  const done = await withClaimsHeldOff(db, tenant.slot, { waitMs: GATE_WAIT_MS }, async (tx) => {
    const schedule = await lockSchedule(tx, { tenantId: tenant.id, name });
    if (schedule === undefined) return { kind: 'not-found' } as const;
    if (revision !== null && revision !== schedule.revision)
      return { kind: 'stale', currentRevision: schedule.revision } as const;
    return write(tx, schedule);
  });
  return done ?? { kind: 'owner-hangs' };
}
