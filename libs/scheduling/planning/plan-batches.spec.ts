// Does the planner leave the event loop to others in time, and plan all that is due all the same?
import { expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { LimitedPlans } from './limited-plans.js';
import { PlanBatches } from './plan-batches.js';
import { DECIDE_MS_MAX } from './planner-settings.js';
import type { DueSchedule } from './planning.repository.js';
import { TenantPlaces } from './tenant-places.js';
import type { Plan } from '#scheduling/decisions/planning.js';

const now = new Date('2026-01-01T00:00:00Z');
const tenantId = asId.tenant('acme');

function schedules(count: number, maxQueued: number | null = null): DueSchedule[] {
  return Array.from({ length: count }, (_, index) => ({
    id: asId.schedule(`schedule-${String(index).padStart(2, '0')}`),
    tenantId,
    maxQueued,
    storedSpec: {},
    storedCatchUp: {},
    nextDueAt: now,
    revision: 1,
    state: 'active',
    pausedUntil: null,
    suspension: null,
  }));
}

/** Planning takes so long each time. */
function slowly(planMs: number) {
  let nowMs = 0;
  return {
    clock: { monotonicMs: () => nowMs, now: () => now },
    plan: (): Plan => {
      nowMs += planMs;
      return { fires: [{ dueAt: now, outcome: 'planned', reason: null }], gap: null, nextDueAt: null };
    },
  };
}

function sizesOf(batches: PlanBatches): number[] {
  const sizes: number[] = [];
  for (let batch = batches.next(); batch.length > 0; batch = batches.next()) sizes.push(batch.length);
  return sizes;
}

it('a batch ends early where planning takes long, and the next one goes on', () => {
  const batchesOf = (planMs: number): number[] =>
    sizesOf(new PlanBatches(schedules(10), { firesPerBatch: 100, firesMax: 100, ...slowly(planMs) }));
  expect(batchesOf(0)).toEqual([10]);
  expect(batchesOf(DECIDE_MS_MAX / 4)).toEqual([5, 5]);
  expect(batchesOf(DECIDE_MS_MAX * 2)).toEqual(Array.from({ length: 10 }, () => 1));
});

it('a tenant with a limit is planned in part where that takes long, and the pass says that more is due', () => {
  const planned = (planMs: number): [number, boolean] => {
    const { clock, plan } = slowly(planMs);
    const due = schedules(10, 100);
    const limited = new LimitedPlans(due, { places: new TenantPlaces(clock), now, plan, clock });
    return [due.filter((schedule) => limited.of(schedule) !== null).length, limited.isMore];
  };
  expect(planned(0)).toEqual([10, false]);
  expect(planned(DECIDE_MS_MAX / 4)).toEqual([5, true]);
  expect(planned(DECIDE_MS_MAX * 2)).toEqual([1, true]);
});

it('a limited tenant is not planned before one of its schedules has its turn', () => {
  const { clock, plan } = slowly(1);
  const due = schedules(3, 100);
  const limited = new LimitedPlans(due, { places: new TenantPlaces(clock), now, plan, clock });
  expect(clock.monotonicMs()).toBe(0);
  for (const schedule of due) limited.of(schedule);
  expect(clock.monotonicMs()).toBe(3);
});
