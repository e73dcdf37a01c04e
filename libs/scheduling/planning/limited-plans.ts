// Plans for tenants with a limit of unfinished runs. The due schedules of such a tenant are planned together, since they
// share the places left, when the first of them is asked for; schedules of other tenants are planned one by one.
import type { Clock } from '#kernel/clock.js';
import type { TenantId, ScheduleId } from '#kernel/ids.js';
import { sharePlaces } from '#scheduling/planning/decisions/places.js';
import type { Plan } from '#scheduling/decisions/planning.js';
import { DECIDE_MS_MAX } from './planner-settings.js';
import type { DueSchedule } from './planning.repository.js';
import type { TenantPlaces } from './tenant-places.js';

/** For one tenant in one pass. */
const FIRES_MAX = 1_000;

interface Options {
  places: TenantPlaces;
  now: Date;
  plan: (schedule: DueSchedule) => Plan | null;
  clock: Clock;
}

export class LimitedPlans {
  readonly #ofTenant: ReadonlyMap<TenantId, readonly DueSchedule[]>;
  readonly #plans = new Map<ScheduleId, Plan | null>();
  #isMore = false;

  /** The tenants' limits were counted just before. */
  constructor(
    schedules: readonly DueSchedule[],
    private readonly options: Options,
  ) {
    const soonestFirst = schedules.toSorted((a, b) => +a.nextDueAt - +b.nextDueAt);
    this.#ofTenant = Map.groupBy(soonestFirst, ({ tenantId }) => tenantId);
  }

  /** Of the tenants that were planned, due times are left that have a place, or have passed. */
  get isMore(): boolean {
    return this.#isMore;
  }

  /** Null for a schedule that is left for the next pass. */
  of({ id, tenantId }: DueSchedule): Plan | null {
    if (!this.#plans.has(id)) this.#planAllOf(tenantId);
    return this.#plans.get(id) ?? null;
  }

  #planAllOf(tenantId: TenantId): void {
    const { places, now } = this.options;
    const ofTenant = this.#ofTenant.get(tenantId) ?? [];
    const tried = this.#planSoonest(ofTenant);
    const { plans, taken } = sharePlaces(
      tried.map(({ made }) => made),
      { places: places.left(tenantId), now },
    );
    places.take(tenantId, taken);
    for (const { id } of ofTenant) this.#plans.set(id, null);
    for (const [index, { id }] of tried.entries()) this.#plans.set(id, plans[index] ?? null);
    const rest = ofTenant.slice(tried.length);
    this.#isMore ||= rest.some(({ nextDueAt }) => places.left(tenantId) > 0 || nextDueAt <= now);
  }

  #planSoonest(schedules: readonly DueSchedule[]): { id: ScheduleId; made: Plan }[] {
    const { plan, clock } = this.options;
    const tried: { id: ScheduleId; made: Plan }[] = [];
    let fires = 0;
    const untilMs = clock.monotonicMs() + DECIDE_MS_MAX;
    for (const schedule of schedules) {
      if (fires >= FIRES_MAX || (tried.length > 0 && clock.monotonicMs() > untilMs)) break;
      // A schedule that can't be read has no due times, and its turn is over all the same.
      const made = plan(schedule) ?? { fires: [], gap: null, nextDueAt: schedule.nextDueAt };
      fires += made.fires.length;
      tried.push({ id: schedule.id, made });
    }
    return tried;
  }
}
