// The next due time of a stored schedule after an instant, as far as it is known: by its spec, or by the runs that it
// follows.
import type { Database } from '#database/connection.js';
import type { ScheduleId, TenantId } from '#kernel/ids.js';
import { nextDueAt, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { firstPlacedAfter } from './waiting.repository.js';

export async function nextKnown(
  db: Database,
  { spec, ...schedule }: { id: ScheduleId; tenantId: TenantId; spec: ScheduleSpec },
  after: Date,
): Promise<Date | null> {
  if (spec.kind === 'follow') return firstPlacedAfter(db, { ...schedule, after });
  return nextDueAt(spec, after);
}
