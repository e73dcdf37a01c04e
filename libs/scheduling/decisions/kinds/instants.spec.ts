// Is a schedule of listed instants due at each of them once, wherever the search begins?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueTimes, newestDueTimes, nextDueAt, validateSpec, type ScheduleSpec } from '../due-times.js';
import { inOrder, INSTANTS_MAX } from './instants.js';

const day = (number: number): Date => new Date(Date.UTC(2031, 0, number, 8));
const listed = (...instants: Date[]): ScheduleSpec => ({ kind: 'instants', instants });
const some = fc.array(
  fc.integer({ min: 0, max: 500 }).map((ms) => new Date(ms)),
  { minLength: 1 },
);

describe('a list of instants', () => {
  it('is put in order, and what it says twice is due once', () => {
    expect(inOrder([day(3), day(1), day(3), day(2)])).toEqual([day(1), day(2), day(3)]);
  });

  it('is due at each, from anywhere, and at none after the last', () => {
    fc.assert(
      fc.property(some, fc.integer({ min: -1, max: 501 }), (given, afterMs) => {
        const instants = inOrder(given);
        const after = new Date(afterMs);
        const later = instants.filter((instant) => instant > after);
        expect(nextDueAt(listed(...instants), after)).toEqual(later[0] ?? null);
        const span = { after, through: new Date(1_000), limit: 1_000 };
        expect(dueTimes(listed(...instants), span)).toEqual(later);
      }),
    );
  });

  it('has its newest due times, too', () => {
    const span = { notBefore: day(1), before: day(4), limit: 2 };
    expect(newestDueTimes(listed(day(1), day(2), day(3), day(4)), span)).toEqual([day(2), day(3)]);
  });

  it.each<[string, Date[]]>([
    ['nothing', []],
    ['more than a thousand', Array.from({ length: INSTANTS_MAX + 1 }, (_, index) => day(index))],
    ['another order', [day(2), day(1)]],
    ['one twice', [day(1), day(1)]],
    ['one that is none', [day(1), new Date(Number.NaN)]],
  ])('of %s is refused', (_, instants) => {
    expect(validateSpec(listed(...instants))).toMatchObject({ ok: false, field: 'at' });
  });

  it('of a thousand is taken', () => {
    const instants = Array.from({ length: INSTANTS_MAX }, (_, index) => day(index));
    expect(validateSpec(listed(...instants))).toEqual({ ok: true });
  });
});
