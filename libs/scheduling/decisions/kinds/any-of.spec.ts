// Is a schedule of several specs due whenever one of them is, once where they meet, and no more often searched than needed?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dueTimes,
  newestDueTimes,
  nextDueAt,
  validateSpec,
  type Rule,
  type ScheduleSpec,
} from '../due-times.js';
import { firstOf, remembering, SPECS_MAX } from './any-of.js';

const DAY_MS = 86_400_000;
const start = new Date('2026-10-24T00:00:00Z');
const plus = (ms: number): Date => new Date(start.getTime() + ms);
const within = fc.integer({ min: 0, max: 4 * DAY_MS }).map(plus);

const cron = (expression: string): Rule => ({ kind: 'cron', expression, timeZone: 'Europe/Berlin' });
const rules: fc.Arbitrary<Rule> = fc.oneof(
  fc.constantFrom('*/20 * * * *', '30 2 * * *', '0 */6 * * *', '15 9 * * SUN').map(cron),
  fc.record({
    kind: fc.constant('every' as const),
    seconds: fc.constantFrom(600, 1_800, 5_000),
    anchorAt: fc.constant(start),
  }),
  fc.record({ kind: fc.constant('at' as const), at: within }),
);
const several = fc.array(rules, { minLength: 2, maxLength: 5 });

const within4Days = (spec: ScheduleSpec): Date[] =>
  dueTimes(spec, { after: start, through: plus(4 * DAY_MS), limit: 10_000 });
const merged = (specs: readonly Rule[]): Date[] => {
  const times = new Set(specs.flatMap(within4Days).map((dueAt) => dueAt.getTime()));
  return [...times].toSorted((a, b) => a - b).map((ms) => new Date(ms));
};

describe('several specs in one', () => {
  it('are due together once, in order, also in a span that is cut in two and in its newest part', () => {
    fc.assert(
      fc.property(several, within, (specs, cut) => {
        const spec: ScheduleSpec = { kind: 'anyOf', specs };
        const all = merged(specs);
        expect(within4Days(spec)).toEqual(all);
        const until = dueTimes(spec, { after: start, through: cut, limit: 10_000 });
        const since = dueTimes(spec, { after: cut, through: plus(4 * DAY_MS), limit: 10_000 });
        expect([...until, ...since]).toEqual(all);
        const before = all.filter((dueAt) => dueAt < cut).slice(-3);
        expect(newestDueTimes(spec, { notBefore: plus(1), before: cut, limit: 3 })).toEqual(before);
        if (since[0] !== undefined) expect(nextDueAt(spec, cut)).toEqual(since[0]);
      }),
      { numRuns: 50 },
    );
  });

  it('have their bounds in common', () => {
    const spec: ScheduleSpec = {
      kind: 'anyOf',
      specs: [cron('0 * * * *'), { kind: 'at', at: plus(1) }, { kind: 'at', at: plus(DAY_MS) }],
      startAt: plus(2),
      endAt: plus(3_600_000),
    };
    expect(within4Days(spec)).toEqual([plus(3_600_000)]);
  });

  it('are each searched once for each of their own due times', () => {
    let searches = 0;
    const rare = (after: Date): Date | null => {
      searches += 1;
      return after < plus(1_000) ? plus(1_000) : null;
    };
    const next = firstOf([(after) => new Date(after.getTime() + 1), remembering(rare)]);
    for (let ms = 0; ms < 2_000; ms += 1) expect(next(plus(ms))).toEqual(plus(ms + 1));
    expect(searches).toBe(2);
    // Backwards it is asked anew.
    expect(next(plus(998))).toEqual(plus(999));
    expect(searches).toBe(3);
  });
});

const hourly = cron('0 * * * *');
const listed = (count: number): Rule => ({
  kind: 'instants',
  instants: Array.from({ length: count }, (_, n) => plus(n)),
});

describe('validateSpec', () => {
  it.each<[string, readonly Rule[], string]>([
    ['one spec', [hourly], 'anyOf'],
    ['too many', Array<Rule>(SPECS_MAX + 1).fill(hourly), 'anyOf'],
    ['too many instants in all', [listed(600), listed(401)], 'anyOf'],
    ['one that is never due', [hourly, cron('0 0 30 2 *')], 'anyOf/1/expression'],
    ['one of nothing', [hourly, { kind: 'every', seconds: 0, anchorAt: start }], 'anyOf/1/seconds'],
    ['a zone that is none', [{ ...hourly, timeZone: 'Nowhere' } as Rule, hourly], 'anyOf/0/timeZone'],
  ])('refuses %s and names it', (_, specs, field) => {
    expect(validateSpec({ kind: 'anyOf', specs })).toMatchObject({ ok: false, field });
  });

  it('accepts as many as there may be', () => {
    expect(validateSpec({ kind: 'anyOf', specs: Array<Rule>(SPECS_MAX).fill(hourly) })).toEqual({ ok: true });
    expect(validateSpec({ kind: 'anyOf', specs: [listed(600), listed(400)] })).toEqual({ ok: true });
  });
});
