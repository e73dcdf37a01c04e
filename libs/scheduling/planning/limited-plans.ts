// What is planned for tenants that may have only so many runs that are not over? All that is due of one is planned together,
// since its schedules share what is left; of the others each schedule is planned by itself, when its turn comes.
import type { TenantId, ScheduleId } from '#kernel/ids.js';
import { sharePlaces } from '#scheduling/decisions/places.js';
import type { Plan } from '#scheduling/decisions/planning.js';
import type { DueSchedule } from './planning.repository.js';
import type { TenantPlaces } from './tenant-places.js';

/** Of one tenant in one pass: they are planned in one go, on the event loop that all of a replica lives on. */
const FIRES_MAX = 1_000;

export interface LimitedPlans {
  /** Null for what is left for the next pass. */
  plans: ReadonlyMap<ScheduleId, Plan | null>;
  /** Something is left that has a place, or has passed. */
  isMore: boolean;
}

/** Whose limits were counted just before. */
export function planLimited(
  schedules: readonly DueSchedule[],
  { places, now, plan }: { places: TenantPlaces; now: Date; plan: (schedule: DueSchedule) => Plan | null },
): LimitedPlans {
  const plans = new Map<ScheduleId, Plan | null>();
  let isMore = false;
  for (const [tenantId, ofTenant] of byTenant(schedules)) {
    const tried = planSoonest(ofTenant, plan);
    const { plans: shared, taken } = sharePlaces(
      tried.map(({ made }) => made),
      { places: places.left(tenantId), now },
    );
    places.take(tenantId, taken);
    for (const { id } of ofTenant) plans.set(id, null);
    for (const [index, { id }] of tried.entries()) plans.set(id, shared[index] ?? null);
    const rest = ofTenant.slice(tried.length);
    isMore ||= rest.some(({ nextDueAt }) => places.left(tenantId) > 0 || nextDueAt <= now);
  }
  return { plans, isMore };
}

function planSoonest(
  schedules: readonly DueSchedule[],
  plan: (schedule: DueSchedule) => Plan | null,
): { id: ScheduleId; made: Plan }[] {
  const tried: { id: ScheduleId; made: Plan }[] = [];
  let fires = 0;
  for (const schedule of schedules) {
    if (fires >= FIRES_MAX) break;
    // One that can't be read has no due times, and its turn is over all the same.
    const made = plan(schedule) ?? { fires: [], gap: null, nextDueAt: schedule.nextDueAt };
    fires += made.fires.length;
    tried.push({ id: schedule.id, made });
  }
  return tried;
}

/** The schedules of those that have a limit, the soonest first. */
function byTenant(schedules: readonly DueSchedule[]): Map<TenantId, DueSchedule[]> {
  const limited = schedules.filter(({ maxQueued }) => maxQueued !== null);
  return Map.groupBy(
    limited.toSorted((a, b) => +a.nextDueAt - +b.nextDueAt),
    ({ tenantId }) => tenantId,
  );
}
