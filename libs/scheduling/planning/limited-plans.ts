// Plans for tenants with a limit of unfinished runs. All due schedules of such a tenant are planned together, since
// they share the places left; schedules of other tenants are planned one by one in their turn.
import type { TenantId, ScheduleId } from '#kernel/ids.js';
import { sharePlaces } from '#scheduling/planning/decisions/places.js';
import type { Plan } from '#scheduling/decisions/planning.js';
import type { DueSchedule } from './planning.repository.js';
import type { TenantPlaces } from './tenant-places.js';

/** For one tenant in one pass: they are planned in one go, on the event loop that a whole replica shares. */
const FIRES_MAX = 1_000;

export interface LimitedPlans {
  /** Null for a schedule that is left for the next pass. */
  plans: ReadonlyMap<ScheduleId, Plan | null>;
  /** Due times are left that have a place, or have passed. */
  isMore: boolean;
}

/** Plans for tenants whose limits were counted just before. */
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
    // A schedule that can't be read has no due times, and its turn is over all the same.
    const made = plan(schedule) ?? { fires: [], gap: null, nextDueAt: schedule.nextDueAt };
    fires += made.fires.length;
    tried.push({ id: schedule.id, made });
  }
  return tried;
}

/** The schedules of tenants with a limit, the soonest first. */
function byTenant(schedules: readonly DueSchedule[]): Map<TenantId, DueSchedule[]> {
  const limited = schedules.filter(({ maxQueued }) => maxQueued !== null);
  return Map.groupBy(
    limited.toSorted((a, b) => +a.nextDueAt - +b.nextDueAt),
    ({ tenantId }) => tenantId,
  );
}
