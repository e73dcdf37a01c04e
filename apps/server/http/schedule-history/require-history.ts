// The schedule whose past a path asks for: by its name, or by its id, which alone finds a deleted one, since another one may
// have its name by now.
import type { Database } from '#database/connection.js';
import { asId, type ScheduleId } from '#kernel/ids.js';
import { hasPast } from '#scheduling/revisions/revision.repository.js';
import { findSchedule } from '#scheduling/schedules/schedule.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ProblemError } from '../problems/problem.js';
import { uuid } from '../requests/shapes.js';

/** Throws a problem when there is none. */
export async function requireHistory(
  db: Database,
  { id: tenantId }: Tenant,
  nameOrId: string,
): Promise<ScheduleId> {
  const schedule = await findSchedule(db, { tenantId, name: nameOrId });
  if (schedule !== undefined) return schedule.id;
  const scheduleId = asId.schedule(nameOrId);
  const isId = uuid.safeParse(nameOrId).success;
  if (isId && (await hasPast(db, { tenantId, scheduleId }))) return scheduleId;
  const detail = `expected schedule ${JSON.stringify(nameOrId)} to exist, found none; the past of a deleted schedule is read by its id, which its runs show as scheduleId`;
  throw new ProblemError('not-found', detail);
}
