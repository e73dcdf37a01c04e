// Is a cron expression due when the clock on the wall says so? Compared with the brute force of cron-oracle: over
// one whole year, on sampled days of other zones, and around the changes of many, where random expressions go
// wrong if anywhere. Asking Intl about each minute takes nearly a second a year: hence the samples.
import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  any,
  anyDay,
  bruteForce,
  daysOfMonthIn,
  daysOfWeekIn,
  either,
  everyMinute,
  beforeLastDay,
  lastDay,
  lastOf,
  lastWorkday,
  list,
  nearestWorkday,
  nth,
  one,
  range,
  step,
  textOf,
  wallMs,
  watchWall,
  type Days,
  type Meaning,
  type Numbers,
  type Span,
} from '#test/support/cron-oracle.js';
import { nextCronTime } from './cron-times.js';
import { dueTimes } from './due-times.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** Four seconds on a quiet machine, 27 on one that is five times overloaded. */
const BRUTE_FORCE_MS = 120_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

function ours(meaning: Meaning, { timeZone, fromMs, toMs }: Span): string[] {
  const spec = { kind: 'cron', expression: textOf(meaning), timeZone } as const;
  return dueTimes(spec, { after: new Date(fromMs - 1), through: new Date(toMs), limit: 1_000_000 }).map(
    (at) => at.toISOString(),
  );
}

const telling: Meaning[] = [
  { ...everyMinute, minute: step(30) },
  { ...everyMinute, minute: step(7), hour: step(5) },
  { ...everyMinute, minute: one(0) },
  { ...everyMinute, minute: one(30), hour: one(2) },
  { ...everyMinute, minute: one(15), hour: one(0) },
  { ...everyMinute, minute: one(30), hour: one(23) },
  { ...everyMinute, minute: list(0, 30), hour: list(1, 2, 3) },
  { ...everyMinute, minute: one(30), hour: list(2, 14) },
  { ...everyMinute, minute: list(0, 15, 30), hour: list(0, 23), dayOfWeek: daysOfWeekIn(one(6)) },
  { ...everyMinute, minute: one(30), hour: either(one(12), range({ from: 1, to: 2, by: 1 })) },
  {
    ...everyMinute,
    minute: one(45),
    hour: range({ from: 1, to: 3, by: 1 }),
    dayOfWeek: daysOfWeekIn(list(0, 6)),
  },
  { ...everyMinute, minute: one(1), hour: one(2), dayOfMonth: nearestWorkday(15), dayOfWeek: lastOf(0) },
  { ...everyMinute, minute: step(20), hour: one(2), dayOfMonth: lastWorkday },
  {
    ...everyMinute,
    minute: one(0),
    hour: one(0),
    dayOfMonth: daysOfMonthIn(step(2, 1)),
    dayOfWeek: daysOfWeekIn(one(1)),
  },
  { ...everyMinute, minute: one(0), hour: one(3), dayOfMonth: lastDay, dayOfWeek: nth(1, 5) },
  { ...everyMinute, minute: one(30), hour: one(1), month: list(3, 10), dayOfMonth: nearestWorkday(31) },
];

const small = (max: number): fc.Arbitrary<Numbers> => fc.integer({ min: 0, max }).map(one);
const numbers = (min: number, max: number): fc.Arbitrary<Numbers> =>
  fc.oneof(
    fc.constant(any),
    fc.integer({ min, max }).map(one),
    fc.uniqueArray(fc.integer({ min, max }), { minLength: 2, maxLength: 4 }).map((values) => list(...values)),
    fc.integer({ min: 1, max: max - min + 1 }).map((by) => step(by, min)),
    fc
      .tuple(fc.integer({ min, max }), fc.integer({ min, max }), fc.integer({ min: 1, max: 4 }))
      .map(([a, b, by]) => range({ from: Math.min(a, b), to: Math.max(a, b), by })),
  );
/** Most of them are those of the night, when clocks change. */
const hours = fc.oneof(
  small(3),
  fc.constant(one(23)),
  fc.uniqueArray(fc.constantFrom(0, 1, 2, 3, 23), { minLength: 2 }).map((values) => list(...values)),
  fc.tuple(small(23), numbers(0, 23)).map(([a, b]) => either(a, b)),
  numbers(0, 23),
);
const monthDays: fc.Arbitrary<Days> = fc.oneof(
  fc.constantFrom(anyDay, lastDay, lastWorkday),
  fc.integer({ min: 1, max: 30 }).map(beforeLastDay),
  numbers(1, 31).map(daysOfMonthIn),
  fc.integer({ min: 1, max: 31 }).map(nearestWorkday),
);
const weekDays: fc.Arbitrary<Days> = fc.oneof(
  numbers(0, 6).map(daysOfWeekIn),
  fc.integer({ min: 0, max: 6 }).map(lastOf),
  fc
    .tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 5 }))
    .map(([day, ordinal]) => nth(day, ordinal)),
);
const meanings: fc.Arbitrary<Meaning> = fc.record({
  second: fc.constant(one(0)),
  minute: numbers(0, 59),
  hour: hours,
  dayOfMonth: fc.oneof({ weight: 2, arbitrary: fc.constant(anyDay) }, monthDays),
  month: fc.oneof({ weight: 4, arbitrary: fc.constant(any) }, numbers(1, 12)),
  dayOfWeek: fc.oneof({ weight: 2, arbitrary: fc.constant(anyDay) }, weekDays),
});

/** Changes of half an hour, of two hours, at midnight, over midnight, of a whole day, twice within a week, and none. */
const timeZones =
  'Europe/Berlin Europe/Dublin America/New_York America/St_Johns America/Havana America/Sao_Paulo America/Nuuk America/Boa_Vista Africa/Cairo Africa/Casablanca Asia/Beirut Asia/Gaza Asia/Kathmandu Atlantic/Azores Australia/Lord_Howe Antarctica/Troll Pacific/Apia UTC'.split(
    ' ',
  );

/** Full hours after which the wall is another distance from UTC than before. */
const changes = new Map<string, number[]>();
function changesOf(timeZone: string, year: number): number[] {
  const key = `${timeZone} ${year}`;
  const drift = (atMs: number): number => wallMs(timeZone, atMs) - atMs;
  const changing = (fromMs: number, stepMs: number, steps: number): number[] =>
    Array.from({ length: steps }, (_, index) => fromMs + index * stepMs).filter(
      (atMs) => drift(atMs) !== drift(atMs + stepMs),
    );
  const found =
    changes.get(key) ??
    changing(Date.UTC(year, 0, 1), DAY_MS, 366).flatMap((dayMs) => changing(dayMs, HOUR_MS, 24));
  changes.set(key, found);
  return found;
}

const places = fc
  .record({
    timeZone: fc.constantFrom(...timeZones),
    year: fc.constantFrom(2000, 2011, 2018, 2024, 2026, 2027),
    pick: fc.nat(),
  })
  .map(({ timeZone, year, pick }) => {
    const around = changesOf(timeZone, year);
    return {
      timeZone,
      nearMs: around[pick % Math.max(1, around.length)] ?? Date.UTC(year, 0, 1) + (pick % 365) * DAY_MS,
    };
  });

describe('cron times', () => {
  function expectAgreement(span: Span): void {
    const watched = watchWall(span);
    for (const meaning of telling) {
      const expression = textOf(meaning);
      const { timeZone, fromMs } = span;
      expect({ timeZone, fromMs, expression, due: ours(meaning, span) }).toEqual({
        timeZone,
        fromMs,
        expression,
        due: bruteForce(meaning, watched, span),
      });
    }
  }

  it(
    'are those of the wall clock, minute by minute, in Europe/Berlin in all of 2026',
    () => {
      const [fromMs, toMs] = [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)];
      expectAgreement({ timeZone: 'Europe/Berlin', fromMs, toMs, stepMs: MINUTE_MS });
    },
    BRUTE_FORCE_MS,
  );

  it.each([
    ['America/New_York', 2025],
    ['Australia/Lord_Howe', 2026],
    ['Africa/Cairo', 2026],
    ['Asia/Kathmandu', 2026],
    ['America/Nuuk', 2024],
  ])(
    'are those of the wall clock, minute by minute, in %s at the changes and month ends of %i',
    (timeZone, year) => {
      const monthEnds = Array.from({ length: 12 }, (_, month) => Date.UTC(year, month + 1, 1));
      for (const nearMs of [...changesOf(timeZone, year), ...monthEnds])
        expectAgreement({ timeZone, fromMs: nearMs - 2 * DAY_MS, toMs: nearMs + DAY_MS, stepMs: MINUTE_MS });
    },
    BRUTE_FORCE_MS,
  );

  it(
    'are those of the wall clock, minute by minute, around the changes of many zones',
    () => {
      fc.assert(
        fc.property(places, meanings, ({ timeZone, nearMs }, meaning) => {
          const span = { timeZone, fromMs: nearMs - DAY_MS, toMs: nearMs + DAY_MS, stepMs: MINUTE_MS };
          expect(ours(meaning, span)).toEqual(bruteForce(meaning, watchWall(span), span));
        }),
        { numRuns: 150 },
      );
    },
    BRUTE_FORCE_MS,
  );

  it(
    'are those of the wall clock, second by second, around the changes of many zones',
    () => {
      fc.assert(
        fc.property(places, meanings, numbers(0, 59), ({ timeZone, nearMs }, meaning, second) => {
          const span = {
            timeZone,
            fromMs: nearMs - HOUR_MS / 2,
            toMs: nearMs + 3 * HOUR_MS,
            stepMs: SECOND_MS,
          };
          const withSeconds = { ...meaning, second };
          expect(ours(withSeconds, span)).toEqual(bruteForce(withSeconds, watchWall(span), span));
        }),
        { numRuns: 20 },
      );
    },
    BRUTE_FORCE_MS,
  );

  it('are the same in a span as in its parts, wherever near a change it is cut', () => {
    const cuts = fc.integer({ min: -3 * HOUR_MS, max: 3 * HOUR_MS });
    fc.assert(
      fc.property(places, meanings, cuts, ({ timeZone, nearMs }, meaning, cutMs) => {
        const whole = { timeZone, fromMs: nearMs - DAY_MS, toMs: nearMs + DAY_MS, stepMs: MINUTE_MS };
        const middleMs = nearMs + cutMs;
        const first = ours(meaning, { ...whole, toMs: middleMs });
        const second = ours(meaning, { ...whole, fromMs: middleMs + 1 });
        const all = ours(meaning, whole);
        expect([...first, ...second]).toEqual(all);
        expect([...new Set(all)].toSorted()).toEqual(all);
      }),
      { numRuns: 250 },
    );
  });

  it('are those that croner finds by itself where no change of the clocks is near', () => {
    fc.assert(
      fc.property(meanings, fc.integer({ min: 1970, max: 2200 }), fc.nat(364), (meaning, year, day) => {
        fc.pre(!textOf(meaning).includes('L-')); // which croner does not know
        const after = new Date(Date.UTC(year, 0, 1 + day));
        const both = [meaning.dayOfMonth, meaning.dayOfWeek].some(({ text }) => text.startsWith('*'));
        const theirs = new Cron(textOf(meaning), { timezone: 'Asia/Tokyo', domAndDow: both }).nextRun(after);
        expect(nextCronTime({ expression: textOf(meaning), timeZone: 'Asia/Tokyo' }, after)).toEqual(theirs);
      }),
    );
  });

  it('come strictly later than what they were asked after, and nothing lies between', () => {
    const instants = fc.date({
      min: new Date(Date.UTC(1980, 0)),
      max: new Date(Date.UTC(2100, 0)),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(places, meanings, instants, fc.nat(1_000), ({ timeZone }, meaning, after, backMs) => {
        const spec = { expression: textOf(meaning), timeZone };
        const next = nextCronTime(spec, after);
        if (next === null) return;
        expect(next.getTime()).toBeGreaterThan(after.getTime());
        const before = new Date(Math.max(after.getTime(), next.getTime() - 1 - backMs));
        expect(nextCronTime(spec, before)).toEqual(next);
      }),
    );
  });

  it.each(['UTC', 'Pacific/Kiritimati', 'Pacific/Honolulu'])('end before the year 3000 in %s', (timeZone) => {
    const next = (after: string) => nextCronTime({ expression: '* * * * *', timeZone }, new Date(after));
    expect(next('2999-12-31T09:00Z')).toEqual(new Date('2999-12-31T09:01Z'));
    expect(next('2999-12-31T23:59Z')).toBeNull();
    expect(next('3000-01-01T00:00Z')).toBeNull();
  });
});
