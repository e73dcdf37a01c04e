// Do cron schedules come due when a person reading them would expect, on the days when clocks change? The tables
// are written by hand; cron-times.spec compares them with an oracle on many more days.
import { describe, expect, it } from 'vitest';
import { dueTimes, nextDueAt, type ScheduleSpec } from './due-times.js';

const cron = (expression: string, timeZone: string): ScheduleSpec => ({ kind: 'cron', expression, timeZone });
const between = (spec: ScheduleSpec, after: string, through: string): string[] =>
  dueTimes(spec, { after: new Date(after), through: new Date(through), limit: 100 }).map((at) =>
    at.toISOString().replace(':00.000Z', 'Z'),
  );

describe('a time of day', () => {
  it.each([
    // In the gap: at its end, once.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['2026-03-29T01:00Z', '2026-03-30T00:30Z']],
    ['30 2 * * *', 'America/New_York', '2026-03-07T12:00Z', ['2026-03-08T07:00Z', '2026-03-09T06:30Z']],
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00Z', ['2026-10-03T15:30Z', '2026-10-04T15:15Z']],
    ['30 0 * * *', 'Africa/Cairo', '2026-04-23T12:00Z', ['2026-04-23T22:00Z', '2026-04-24T21:30Z']],
    ['0 0 * * *', 'Africa/Cairo', '2026-04-23T12:00Z', ['2026-04-23T22:00Z', '2026-04-24T21:00Z']],
    // A gap that ends on the next day, and one that is a day long.
    ['30 23 * * *', 'America/Nuuk', '2024-03-30T12:00Z', ['2024-03-31T01:00Z', '2024-04-01T00:30Z']],
    ['30 23 30 3 *', 'America/Nuuk', '2024-03-30T12:00Z', ['2024-03-31T01:00Z', '2025-03-31T00:30Z']],
    [
      '0 12 * * *',
      'Pacific/Apia',
      '2011-12-29T12:00Z',
      ['2011-12-29T22:00Z', '2011-12-30T10:00Z', '2011-12-30T22:00Z'],
    ],
    // Just outside the gap.
    ['0 3 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['2026-03-29T01:00Z', '2026-03-30T01:00Z']],
    ['59 1 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['2026-03-29T00:59Z', '2026-03-29T23:59Z']],
    // Shown twice: the first.
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', ['2026-10-25T00:30Z', '2026-10-26T01:30Z']],
    ['30 1 * * *', 'America/New_York', '2026-10-31T12:00Z', ['2026-11-01T05:30Z', '2026-11-02T06:30Z']],
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00Z', ['2026-04-04T14:45Z', '2026-04-05T15:15Z']],
    ['30 23 * * *', 'Africa/Cairo', '2026-10-29T12:00Z', ['2026-10-29T20:30Z', '2026-10-30T21:30Z']],
    // A list of hours, minutes or seconds: the same, each for itself.
    [
      '30 2,14 * * *',
      'Europe/Berlin',
      '2026-03-28T13:30Z',
      ['2026-03-29T01:00Z', '2026-03-29T12:30Z', '2026-03-30T00:30Z'],
    ],
    [
      '30 2,14 * * *',
      'Europe/Berlin',
      '2026-10-24T12:30Z',
      ['2026-10-25T00:30Z', '2026-10-25T13:30Z', '2026-10-26T01:30Z'],
    ],
    [
      '0 1,13 * * *',
      'America/New_York',
      '2026-10-31T17:00Z',
      ['2026-11-01T05:00Z', '2026-11-01T18:00Z', '2026-11-02T06:00Z'],
    ],
    [
      '0 0,12 * * *',
      'Africa/Cairo',
      '2026-04-23T12:00Z',
      ['2026-04-23T22:00Z', '2026-04-24T09:00Z', '2026-04-24T21:00Z'],
    ],
    [
      '0,30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:00Z', '2026-10-25T00:30Z', '2026-10-26T01:00Z'],
    ],
    [
      '0,30 0 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:00Z', '2026-10-25T00:00:30Z', '2026-10-26T01:00Z'],
    ],
    // So does any minute of a fixed hour: `*/30` is but another way to write `0,30`.
    [
      '*/30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:00Z', '2026-10-25T00:30Z', '2026-10-26T01:00Z'],
    ],
    // What meets at the end of the gap is due once.
    [
      '0,30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:00Z', '2026-03-30T00:30Z'],
    ],
    [
      '0,30 0 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:00Z', '2026-03-30T00:00:30Z'],
    ],
    [
      '*/30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:00Z', '2026-03-30T00:30Z'],
    ],
    [
      '0 2,3 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:00Z', '2026-03-30T01:00Z'],
    ],
    [
      '30 2,3 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-29T01:30Z', '2026-03-30T00:30Z'],
    ],
    [
      '0,15,45 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-03T00:00Z',
      ['2026-10-03T15:30Z', '2026-10-03T15:45Z', '2026-10-04T15:00Z'],
    ],
    [
      '0 0,23 * * *',
      'America/Nuuk',
      '2024-03-30T12:00Z',
      ['2024-03-31T01:00Z', '2024-04-01T00:00Z', '2024-04-01T01:00Z'],
    ],
    [
      '0 0,6,12 * * *',
      'Pacific/Apia',
      '2011-12-29T22:00Z',
      ['2011-12-30T10:00Z', '2011-12-30T16:00Z', '2011-12-30T22:00Z'],
    ],
    // No changes at all, but three quarters of an hour from the others.
    ['0 9 * * *', 'Asia/Kathmandu', '2026-03-28T12:00Z', ['2026-03-29T03:15Z', '2026-03-30T03:15Z']],
  ])('in %s in %s is due once for each day', (expression, timeZone, after, due) => {
    const first = dueTimes(cron(expression, timeZone), {
      after: new Date(after),
      through: new Date('2100-01-01'),
      limit: due.length,
    });
    expect(first).toEqual(due.map((at) => new Date(at)));
  });

  it('of which many meet in one gap, or come again in equal hours, is passed over at once', () => {
    const spec = cron('* * 2 * * *', 'Europe/Berlin');
    expect(nextDueAt(spec, new Date('2026-03-29T01:00Z'))).toEqual(new Date('2026-03-30T00:00Z'));
    expect(nextDueAt(spec, new Date('2026-10-25T00:59:59Z'))).toEqual(new Date('2026-10-26T01:00Z'));
  });

  it.each(['30 2 * * *', '0,30 2 * * *', '30 1,2 * * *', '* * 2 * * *'])(
    'in %s is not due again when asked from within the second of two equal hours',
    (expression) => {
      const spec = cron(expression, 'Europe/Berlin');
      const fresh = nextDueAt(spec, new Date('2026-10-25T12:00Z'));
      expect(fresh).not.toBeNull();
      for (const after of ['00:59:59.999', '01:00', '01:29', '01:30', '01:59:59.999'])
        expect(nextDueAt(spec, new Date(`2026-10-25T${after}Z`))).toEqual(fresh);
    },
  );

  it('is still due in what follows the second of two equal hours', () => {
    const spec = cron('0,30 2,3 * * *', 'Europe/Berlin');
    for (const after of ['00:30', '01:00', '01:59:59.999'])
      expect(nextDueAt(spec, new Date(`2026-10-25T${after}Z`))).toEqual(new Date('2026-10-25T02:00Z'));
  });
});

describe('a rhythm', () => {
  it.each([
    [
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:00Z',
      '2026-03-29T02:00Z',
      ['00:30', '01:00', '01:30', '02:00'],
    ],
    [
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-10-24T23:30Z',
      '2026-10-25T02:00Z',
      ['00:00', '00:30', '01:00', '01:30', '02:00'],
    ],
    [
      '0 * * * *',
      'America/New_York',
      '2026-11-01T04:00Z',
      '2026-11-01T08:00Z',
      ['05:00', '06:00', '07:00', '08:00'],
    ],
    ['0 * * * *', 'America/New_York', '2026-03-08T05:00Z', '2026-03-08T08:00Z', ['06:00', '07:00', '08:00']],
    // A step, a range or a list with one of them in the hour field.
    ['0 */2 * * *', 'Europe/Berlin', '2026-03-28T23:00Z', '2026-03-29T04:00Z', ['02:00', '04:00']],
    ['0 */2 * * *', 'Europe/Berlin', '2026-10-24T22:00Z', '2026-10-25T03:00Z', ['00:00', '01:00', '03:00']],
    ['30 1-3 * * *', 'Europe/Berlin', '2026-03-28T23:00Z', '2026-03-29T12:00Z', ['00:30', '01:30']],
    [
      '0,30 2-2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      '2026-10-25T12:00Z',
      ['00:00', '00:30', '01:00', '01:30'],
    ],
    ['0,30 2-2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', '2026-03-29T12:00Z', []],
    ['0 2,9-17/8 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', '2026-03-29T12:00Z', ['16:00', '07:00']],
    [
      '0 * * * *',
      'Australia/Lord_Howe',
      '2026-10-03T14:00Z',
      '2026-10-03T17:00Z',
      ['14:30', '16:00', '17:00'],
    ],
    [
      '0 * * * *',
      'Australia/Lord_Howe',
      '2026-04-04T13:00Z',
      '2026-04-04T16:30Z',
      ['14:00', '15:30', '16:30'],
    ],
    [
      '*/15 * * * *',
      'Australia/Lord_Howe',
      '2026-04-04T14:30Z',
      '2026-04-04T15:30Z',
      ['14:45', '15:00', '15:15', '15:30'],
    ],
    [
      '@hourly',
      'Africa/Cairo',
      '2026-10-29T19:00Z',
      '2026-10-29T23:00Z',
      ['20:00', '21:00', '22:00', '23:00'],
    ],
  ])('of %s in %s follows the wall clock after %s', (expression, timeZone, after, through, due) => {
    expect(between(cron(expression, timeZone), after, through).map((at) => at.slice(11, 16))).toEqual(due);
  });

  it('finds its way through a whole gap without a due time at once, even second by second', () => {
    expect(nextDueAt(cron('* * 2-2 * * *', 'Europe/Berlin'), new Date('2026-03-28T01:59:59Z'))).toEqual(
      new Date('2026-03-30T00:00:00Z'),
    );
  });

  it('sees both changes where summer time lasted for a week', () => {
    const spec = cron('*/30 23-23 14 10 *', 'America/Boa_Vista');
    const due = ['2000-10-15T02:00Z', '2000-10-15T02:30Z', '2000-10-15T03:00Z', '2000-10-15T03:30Z'];
    expect(between(spec, '2000-10-01T00:00Z', '2000-10-31T00:00Z')).toEqual(due);
  });
});
