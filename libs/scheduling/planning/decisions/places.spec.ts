// Do the due times of a tenant that may have only so many runs get the places that there are, and each its one decision
// (I1)?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CATCH_UP } from '#scheduling/decisions/catch-up.js';
import { dueTimes, nextDueAt, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { sharePlaces } from './places.js';
import { planSchedule, type Plan, type PlannedFire } from '#scheduling/decisions/planning.js';

const now = new Date('2026-11-21T08:00:00.000Z');
const plus = (seconds: number, instant = now): Date => new Date(instant.getTime() + seconds * 1_000);
const fireAt = (second: number): PlannedFire => ({ dueAt: plus(second), outcome: 'planned', reason: null });
const planOf = (seconds: number[]): Plan => ({ fires: seconds.map(fireAt), gap: null, nextDueAt: plus(100) });
const limitedAt = (second: number): PlannedFire => ({
  dueAt: plus(second),
  outcome: 'skipped',
  reason: 'limit',
});

describe('places', () => {
  it('that are enough change nothing', () => {
    const plans = [planOf([-1, 0, 1]), planOf([2])];
    expect(sharePlaces(plans, { places: 4, now })).toEqual({ plans, taken: 4 });
  });

  it('go to the soonest, whichever schedule they belong to', () => {
    const { plans, taken } = sharePlaces([planOf([1, 3, 5]), planOf([2, 4])], { places: 3, now });
    expect(plans).toEqual([
      { fires: [fireAt(1), fireAt(3)], gap: null, nextDueAt: plus(5) },
      { fires: [fireAt(2)], gap: null, nextDueAt: plus(4) },
    ]);
    expect(taken).toBe(3);
  });

  it('that are gone skip what has passed, and leave what is ahead undecided', () => {
    const { plans, taken } = sharePlaces([planOf([-2, -1, 0, 1, 2])], { places: 1, now });
    expect(plans).toEqual([
      { fires: [fireAt(-2), limitedAt(-1), limitedAt(0)], gap: null, nextDueAt: plus(1) },
    ]);
    expect(taken).toBe(1);
  });

  it('are not needed by what is skipped anyway', () => {
    const paused: PlannedFire = { dueAt: plus(-3), outcome: 'skipped', reason: 'suspended' };
    const plan: Plan = { ...planOf([-2, -1]), fires: [paused, fireAt(-2), fireAt(-1)] };
    const { plans } = sharePlaces([plan], { places: 1, now });
    expect(plans[0]?.fires).toEqual([paused, fireAt(-2), limitedAt(-1)]);
  });

  it('keep a gap where it is', () => {
    const gap = { from: plus(-900), to: plus(-60), outcome: 'missed', reason: 'no catch-up' } as const;
    const { plans } = sharePlaces([{ ...planOf([3]), gap }], { places: 0, now });
    expect(plans).toEqual([{ fires: [], gap, nextDueAt: plus(3) }]);
  });
});

describe('any sequence of passes', () => {
  const specs = fc.array(
    fc.record({ seconds: fc.integer({ min: 1, max: 20 }), offset: fc.integer({ min: 0, max: 20 }) }),
    { minLength: 1, maxLength: 4 },
  );
  const passes = fc.array(
    fc.record({ after: fc.integer({ min: 0, max: 15 }), places: fc.integer({ min: 0, max: 12 }) }),
    { minLength: 1, maxLength: 20 },
  );

  it('I1: decides each due time once and in order, with no more runs than places and none that overtakes', () => {
    fc.assert(
      fc.property(specs, passes, (given, steps) => {
        const schedules = given.map(({ seconds, offset }) => {
          const spec: ScheduleSpec = { kind: 'every', seconds, anchorAt: plus(offset) };
          return { spec, first: plus(offset), next: nextDueAt(spec, plus(-1)), ledger: [] as PlannedFire[] };
        });
        let at = now;
        for (const { after, places } of steps) {
          at = plus(after, at);
          const settings = {
            now: at,
            lookAheadMs: 10_000,
            graceMs: 60_000,
            catchUp: DEFAULT_CATCH_UP,
            limit: 500,
          };
          const made = schedules.map(({ spec, next }) =>
            planSchedule({
              spec,
              state: 'active',
              pausedUntil: null,
              suspension: null,
              nextDueAt: next ?? at,
              ...settings,
            }),
          );
          const { plans, taken } = sharePlaces(made, { places, now: at });
          const runs = plans.flatMap(({ fires }) => fires.filter(({ outcome }) => outcome === 'planned'));
          const others = made.flatMap(({ fires }) => fires.slice()).filter((fire) => !runs.includes(fire));
          expect(runs).toHaveLength(taken);
          expect(taken).toBeLessThanOrEqual(places);
          for (const run of runs)
            for (const other of others) expect(+run.dueAt).toBeLessThanOrEqual(+other.dueAt);
          for (const [index, plan] of plans.entries()) {
            const schedule = schedules[index];
            schedule?.ledger.push(...plan.fires);
            if (schedule !== undefined) schedule.next = plan.nextDueAt;
          }
        }
        for (const { spec, first, next, ledger } of schedules) {
          const through = plus(-0.001, next ?? at);
          const due = [first, ...dueTimes(spec, { after: first, through, limit: 5_000 })];
          expect(ledger.map(({ dueAt }) => dueAt)).toEqual(ledger.length === 0 ? [] : due);
          for (const { dueAt, reason } of ledger)
            if (reason === 'limit') expect(+dueAt).toBeLessThanOrEqual(+at);
          expect(+(next ?? at)).toBeGreaterThan(+at - (steps.length === 0 ? 1 : 0));
        }
      }),
    );
  });
});
