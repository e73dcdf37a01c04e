// Does a schedule of fixed hours do on days of clock changes what was chosen for it? The tables are written by hand; what
// holds without a choice stands in clock-changes.spec.
import { describe, expect, it } from 'vitest';
import type { ClockChanges } from './cron-times.js';
import { dueTimes, nextDueAt, validateSpec, type ScheduleSpec } from './due-times.js';

const cron = (expression: string, timeZone: string, clockChanges: ClockChanges): ScheduleSpec => ({
  kind: 'cron',
  expression,
  timeZone,
  clockChanges,
});
const day = (spec: ScheduleSpec, noonBefore: string): string[] =>
  dueTimes(spec, {
    after: new Date(noonBefore),
    through: new Date(Date.parse(noonBefore) + 26 * 3_600_000),
    limit: 100,
  }).map((at) => at.toISOString().slice(8, 16));

const SKIP_BOTH = { gap: 'skip', repeat: 'both' } as const;
const SKIP_FIRST = { gap: 'skip', repeat: 'first' } as const;
const AFTER_BOTH = { gap: 'after', repeat: 'both' } as const;
const AFTER_FIRST = { gap: 'after', repeat: 'first' } as const;

describe('a time of day in a gap', () => {
  it.each<[string, string, string, string[], string[]]>([
    // Expression, zone, the noon before; due with `after`, due with `skip`.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['29T01:00'], []],
    ['30 2 * * *', 'America/New_York', '2026-03-07T12:00Z', ['08T07:00'], []],
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00Z', ['03T15:30'], []],
    ['30 0 * * *', 'Africa/Cairo', '2026-04-23T12:00Z', ['23T22:00'], []],
    ['30 23 * * *', 'America/Nuuk', '2024-03-30T12:00Z', ['31T01:00'], []],
    ['0 2,3 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['29T01:00'], ['29T01:00']],
    [
      '0,30 2,3 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['29T01:00', '29T01:30'],
      ['29T01:00', '29T01:30'],
    ],
    ['30 1,2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['29T00:30', '29T01:00'], ['29T00:30']],
    ['0 3 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['29T01:00'], ['29T01:00']],
    ['59 1 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['29T00:59'], ['29T00:59']],
  ])('of %s in %s', (expression, timeZone, noonBefore, after, skip) => {
    for (const clockChanges of [AFTER_FIRST, AFTER_BOTH])
      expect(day(cron(expression, timeZone, clockChanges), noonBefore)).toEqual(after);
    for (const clockChanges of [SKIP_FIRST, SKIP_BOTH])
      expect(day(cron(expression, timeZone, clockChanges), noonBefore)).toEqual(skip);
  });
});

describe('a time of day that is shown twice', () => {
  it.each<[string, string, string, string[], string[]]>([
    // Expression, zone, the noon before; due with `first`, due with `both`.
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', ['25T00:30'], ['25T00:30', '25T01:30']],
    ['30 1 * * *', 'America/New_York', '2026-10-31T12:00Z', ['01T05:30'], ['01T05:30', '01T06:30']],
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00Z', ['04T14:45'], ['04T14:45', '04T15:15']],
    ['30 23 * * *', 'Africa/Cairo', '2026-10-29T12:00Z', ['29T20:30'], ['29T20:30', '29T21:30']],
    [
      '0,30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['25T00:00', '25T00:30'],
      ['25T00:00', '25T00:30', '25T01:00', '25T01:30'],
    ],
    [
      '0 2,3 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['25T00:00', '25T02:00'],
      ['25T00:00', '25T01:00', '25T02:00'],
    ],
    ['0 3 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', ['25T02:00'], ['25T02:00']],
  ])('of %s in %s', (expression, timeZone, noonBefore, first, both) => {
    for (const clockChanges of [AFTER_FIRST, SKIP_FIRST])
      expect(day(cron(expression, timeZone, clockChanges), noonBefore)).toEqual(first);
    for (const clockChanges of [AFTER_BOTH, SKIP_BOTH])
      expect(day(cron(expression, timeZone, clockChanges), noonBefore)).toEqual(both);
  });
});

describe('a choice about clock changes', () => {
  it('of a gap that is skipped leads on to the next day', () => {
    const spec = cron('30 2 * * *', 'Europe/Berlin', SKIP_FIRST);
    expect(nextDueAt(spec, new Date('2026-03-28T12:00Z'))).toEqual(new Date('2026-03-30T00:30Z'));
  });

  it('is found again from within the second of two equal hours', () => {
    const after = new Date('2026-10-25T01:00Z');
    const next = (choice: ClockChanges) => nextDueAt(cron('30 2 * * *', 'Europe/Berlin', choice), after);
    expect(next(AFTER_BOTH)).toEqual(new Date('2026-10-25T01:30Z'));
    expect(next(AFTER_FIRST)).toEqual(new Date('2026-10-26T01:30Z'));
  });

  it('is refused for a rhythm, which has none', () => {
    for (const expression of ['*/30 * * * *', '0 */2 * * *', '0 0-3 * * *', '@hourly'])
      expect(validateSpec(cron(expression, 'UTC', AFTER_BOTH))).toMatchObject({
        ok: false,
        field: 'clockChanges',
        expected: `none, since the hours of "${expression}" make a rhythm, which follows elapsed time`,
        got: '{"gap":"after","repeat":"both"}',
      });
    expect(validateSpec(cron('30 2 * * *', 'UTC', SKIP_BOTH))).toEqual({ ok: true });
  });

  it('is refused where nothing would ever be due, without a long search', () => {
    const startedAtMs = performance.now();
    for (const clockChanges of [SKIP_FIRST, SKIP_BOTH])
      expect(validateSpec(cron('30 2 * 3 SUNL', 'Europe/Berlin', clockChanges))).toMatchObject({
        ok: false,
        field: 'clockChanges',
      });
    expect(validateSpec(cron('30 2 * 3 SUNL', 'Europe/Berlin', AFTER_BOTH))).toEqual({ ok: true });
    // Some tens of milliseconds; a search to the end of the calendar would take seconds.
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
  });
});
