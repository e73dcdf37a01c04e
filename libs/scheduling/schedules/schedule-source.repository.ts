// Where a schedule's content comes from: a request, or code that defines it beside its job.
import type { Tx } from '#database/connection.js';
import type { ScheduleId, TenantId } from '#kernel/ids.js';

export interface ScheduleSource {
  /** A request can't change what code defines, unless it was removed there. */
  source: 'api' | 'code';
  removedFromCodeAt: Date | null;
}

export const SOURCE_COLUMNS = ['source', 'removed_from_code_at as removedFromCodeAt'] as const;

/** Code defines it now, so no request may change it. */
export function isCodes({ source, removedFromCodeAt }: ScheduleSource): boolean {
  return source === 'code' && removedFromCodeAt === null;
}

/** The caller holds the row's lock. */
export async function setSource(
  tx: Tx,
  { id, tenantId }: { id: ScheduleId; tenantId: TenantId },
  { source, removedFromCodeAt }: ScheduleSource,
): Promise<void> {
  await tx
    .updateTable('schedule')
    .set({ source, removed_from_code_at: removedFromCodeAt })
    .where('id', '=', id)
    .where('tenant_id', '=', tenantId)
    .execute();
}
