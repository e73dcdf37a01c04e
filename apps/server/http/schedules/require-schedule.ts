// The schedule that a path names, its spec, and the spec that a request makes, or the problem that there is none.
import type { Database } from '#database/connection.js';
import { findSchedule, type Schedule } from '#scheduling/schedules/schedule.repository.js';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { notFound, ProblemError } from '../problems/problem.js';
import { requireFollowed } from './policies/following.shapes.js';
import { requireCalendars } from './policies/calendars.shapes.js';
import type { Counts, DraftSpec } from './computing/counts.js';
import { invalidSpec } from './spec.shapes.js';

/** Throws a problem when there is none. */
export async function requireSchedule(db: Database, { id }: Tenant, name: string): Promise<Schedule> {
  const schedule = await findSchedule(db, { tenantId: id, name });
  if (schedule === undefined) throw notFound('schedule', name);
  return schedule;
}

/** Throws a problem when this version can't read it. */
export function requireReadableSpec({ spec }: Pick<Schedule, 'spec'>): ScheduleSpec {
  if (spec !== null) return spec;
  throw new ProblemError(
    'invalid-state',
    'expected a schedule whose spec this version can read, got another',
  );
}

/** With the days of its calendars. Throws a problem when one is not there, or when it can't be counted out. */
export async function requireCounted(
  counts: Counts,
  draft: DraftSpec,
  { db, tenant }: { db: Database; tenant: Pick<Tenant, 'id'> },
): Promise<ScheduleSpec> {
  await requireFollowed(db, tenant, draft.spec);
  const calendars = draft.calendars && (await requireCalendars(db, tenant, draft.calendars));
  const spec = await counts.countedOut(draft, calendars);
  if ('ok' in spec) throw invalidSpec(spec);
  return spec;
}
