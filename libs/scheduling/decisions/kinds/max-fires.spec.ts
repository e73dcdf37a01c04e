// Does a schedule that may have only so many due times have just those, however they are asked for?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueTimes, newestDueTimes, nextDueOf, validateSpec, type ScheduleSpec } from '../due-times.js';
import { countOn, MAX_FIRES_MAX, type Count } from './max-fires.js';

const after = new Date('2026-01-01T00:00:00Z');
const hourly: ScheduleSpec = { kind: 'cron', expression: '0 * * * *', timeZone: 'UTC' };
const hour = (number: number): Date => new Date(after.getTime() + number * 3_600_000);
const counted = (maxFires: number, lastAt: Date | null): ScheduleSpec => ({
  ...hourly,
  counted: { maxFires, after, lastAt },
});

describe('counting', () => {
  it('ends at the same due time, however often it was left and gone on with', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 50 }), (left, steps) => {
        const next = nextDueOf(hourly);
        let count: Count = { reached: after, left, isOver: false };
        while (!count.isOver) {
          let taken = 0;
          count = countOn(next, count, () => (taken += 1) <= steps);
        }
        expect(count).toEqual({ reached: hour(left), left: 0, isOver: true });
      }),
    );
  });

  it('is over where nothing is due any more, with some left to count', () => {
    const next = nextDueOf({ ...hourly, endAt: hour(3) });
    expect(countOn(next, { reached: after, left: 9, isOver: false }, () => true)).toEqual({
      reached: hour(3),
      left: 6,
      isOver: true,
    });
  });
});

describe('a schedule with a last due time', () => {
  it('has none after it, and the same ones in a span as in its parts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 50 }), (last, cut) => {
        const spec = counted(last, hour(last));
        const all = Array.from({ length: last }, (_, index) => hour(index + 1));
        const span = { after, through: hour(60), limit: 100 };
        expect(dueTimes(spec, span)).toEqual(all);
        const parts = [
          ...dueTimes(spec, { ...span, through: hour(cut) }),
          ...dueTimes(spec, { ...span, after: hour(cut) }),
        ];
        expect(parts).toEqual(all);
        expect(newestDueTimes(spec, { notBefore: hour(1), before: hour(60), limit: 2 })).toEqual(
          all.slice(-2),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('that it never reaches has as many as come', () => {
    expect(dueTimes(counted(9, null), { after, through: hour(20), limit: 100 })).toHaveLength(20);
  });

  it.each([0, 1.5, MAX_FIRES_MAX + 1])('of %s due times is refused', (maxFires) => {
    expect(validateSpec(counted(maxFires, null))).toMatchObject({ ok: false, field: 'maxFires' });
  });
});
