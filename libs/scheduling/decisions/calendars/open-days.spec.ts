import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueTimes, nextDueAt, type ScheduleSpec } from '../due-times.js';
import { offsetMs } from '../wall-clock.js';
import { DAY_MS, joinedDays } from './day-list.js';
import type { CalendarDays, Calendars } from './open-days.js';

const side = (...entries: string[]): CalendarDays => ({
  names: ['a'],
  revisions: [1],
  days: joinedDays(entries),
});
const at = (text: string) => new Date(`${text}Z`);
const dates = (spec: ScheduleSpec, after: Date, limit: number): string[] =>
  dueTimes(spec, { after, through: at('2999-01-01T00:00'), limit }).map((dueAt) =>
    dueAt.toISOString().slice(0, 16),
  );
const daily = { kind: 'cron', expression: '0 9 * * *', timeZone: 'UTC' } as const;

/** Whether one of the entries, as they were given, names the date. */
function names(entries: readonly string[], date: string): boolean {
  return entries.some((entry) => {
    const [from = '', to = from] = entry.split('/');
    return entry.startsWith('--') ? date.slice(4) === entry.slice(1) : from <= date && date <= to;
  });
}

interface Given {
  exclude: string[] | undefined;
  include: string[] | undefined;
}

function wallDate(zone: string, instant: Date): string {
  return new Date(instant.getTime() + offsetMs(zone, instant.getTime())).toISOString().slice(0, 10);
}

/** The obvious way: each due time of the spec without calendars is looked at. */
function slowly(
  spec: ScheduleSpec,
  { exclude, include }: Given,
  span: { after: Date; through: Date; zone: string },
): Date[] {
  return dueTimes(spec, { ...span, limit: 100_000 }).filter((dueAt) => {
    const date = wallDate(span.zone, dueAt);
    return !names(exclude ?? [], date) && (include === undefined || names(include, date));
  });
}

const dateIn = (from: string, days: number): fc.Arbitrary<string> =>
  fc.nat({ max: days }).map((n) => new Date(Date.parse(from) + n * DAY_MS).toISOString().slice(0, 10));
const entryIn = (from: string, days: number): fc.Arbitrary<string> =>
  fc.oneof(
    dateIn(from, days),
    fc.tuple(dateIn(from, days), fc.nat({ max: 9 })).map(([first, length]) => {
      const last = new Date(Date.parse(first) + length * DAY_MS).toISOString().slice(0, 10);
      return `${first}/${last}`;
    }),
    dateIn(from, days).map((date) => `-${date.slice(4)}`),
  );
/** Near changes of the clock, also over midnight and over the date line. */
const places = fc.constantFrom(
  { zone: 'UTC', from: '2026-02-20' },
  { zone: 'Europe/Berlin', from: '2026-10-15' },
  { zone: 'America/Sao_Paulo', from: '2018-10-25' },
  { zone: 'America/Sao_Paulo', from: '2018-02-10' },
  { zone: 'America/St_Johns', from: '2010-10-28' },
  { zone: 'Pacific/Apia', from: '2011-12-20' },
  { zone: 'Asia/Beirut', from: '2026-10-15' },
);
const DAYS = 30;
const cases = places.chain(({ zone, from }) =>
  fc.record({
    zone: fc.constant(zone),
    from: fc.constant(from),
    expression: fc.constantFrom('0 9 * * *', '*/30 * * * *', '30 0 * * *', '0 0 * * MON', '15 23,0 L,* * *'),
    exclude: fc.option(fc.array(entryIn(from, DAYS), { minLength: 1, maxLength: 8 }), { nil: undefined }),
    include: fc.option(fc.array(entryIn(from, DAYS), { minLength: 1, maxLength: 8 }), { nil: undefined }),
  }),
);

function calendarsOf({ exclude, include }: Given): Calendars {
  return {
    ...(exclude === undefined ? {} : { exclude: side(...exclude) }),
    ...(include === undefined ? {} : { include: side(...include) }),
  };
}

describe('days that calendars leave', () => {
  it('are those of the obvious way, in each zone, around changes of its clock', () => {
    fc.assert(
      fc.property(cases, ({ zone, from, expression, ...given }) => {
        const spec = { kind: 'cron', expression, timeZone: zone } as const;
        const span = { after: at(`${from}T00:00`), through: new Date(Date.parse(from) + DAYS * DAY_MS) };
        const found = dueTimes({ ...spec, calendars: calendarsOf(given) }, { ...span, limit: 100_000 });
        expect(found).toEqual(slowly(spec, given, { ...span, zone }));
      }),
      { numRuns: 400 },
    );
  });

  it('are those of UTC for an interval, also one of a second, without a walk through the others', () => {
    const spec = { kind: 'every', seconds: 1, anchorAt: at('2026-01-01T00:00') } as const;
    const calendars = { exclude: side('2026-01-02/2026-12-31', '2027-01-01/2027-12-31') };
    expect(nextDueAt({ ...spec, calendars }, at('2026-01-01T23:59:58.500'))).toEqual(
      at('2026-01-01T23:59:59'),
    );
    expect(nextDueAt({ ...spec, calendars }, at('2026-01-01T23:59:59'))).toEqual(at('2028-01-01T00:00:00'));
  });

  it('are in one that is included, and in none that is excluded', () => {
    const calendars = {
      include: side('2026-12-20/2026-12-31', '--01-06'),
      exclude: side('--12-25', '2026-12-27/2026-12-30'),
    };
    expect(dates({ ...daily, calendars }, at('2026-12-24T00:00'), 6)).toEqual([
      '2026-12-24T09:00',
      '2026-12-26T09:00',
      '2026-12-31T09:00',
      '2027-01-06T09:00',
      '2028-01-06T09:00',
      '2029-01-06T09:00',
    ]);
  });

  it('bound the due times together with startAt, endAt and maxFires', () => {
    const calendars = { exclude: side('2026-01-02') };
    const spec = { ...daily, calendars, startAt: at('2026-01-01T10:00'), endAt: at('2026-01-04T09:00') };
    expect(dates(spec, at('2025-01-01T00:00'), 9)).toEqual(['2026-01-03T09:00', '2026-01-04T09:00']);
  });

  it('count for each of several specs', () => {
    const spec = {
      kind: 'anyOf' as const,
      specs: [daily, { kind: 'at' as const, at: at('2026-01-02T12:00') }],
      calendars: { exclude: side('2026-01-02') },
    };
    expect(dates(spec, at('2026-01-01T08:00'), 2)).toEqual(['2026-01-01T09:00', '2026-01-03T09:00']);
  });

  it('may be none: then nothing is due, and the search ends', () => {
    const leapDay = { ...daily, expression: '0 9 29 2 *', calendars: { exclude: side('--02-29') } };
    const noDay = { ...daily, calendars: { exclude: side('--01-01'), include: side('--01-01') } };
    const past = { ...daily, calendars: { include: side('2020-01-01') } };
    const second = { kind: 'every', seconds: 1, anchorAt: at('2026-01-01T00:00') } as const;
    const never = { ...second, calendars: { exclude: side('--01-01'), include: side('--01-01') } };
    for (const spec of [leapDay, noDay, past, never])
      expect(nextDueAt(spec, at('2026-01-01T00:00'))).toBeNull();
  });
});
