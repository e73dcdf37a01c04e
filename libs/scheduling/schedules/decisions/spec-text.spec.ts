// Does each spec have its words, in any form that the dialect takes?
import { expect, it } from 'vitest';
import { specText } from './spec-text.js';

it.each([
  ['30 2 * * *', 'At 02:30, UTC'],
  ['*/5 * * * * *', 'Every 5 seconds, UTC'],
  ['0 9 * * MON-FRI', 'At 09:00, Monday through Friday, UTC'],
  ['0 0 * * 5L', 'At 00:00, on the last Friday of the month, UTC'],
  ['0 0 13 * FRI', 'At 00:00, on day 13 of the month, and on Friday, UTC'],
  ['0 0 */2 * MON', 'At 00:00, every 2 days in a month, only on Monday, UTC'],
  ['0 0 ? * MON', 'At 00:00, only on Monday, UTC'],
  ['@weekdays', 'At 00:00, Monday through Friday, UTC'],
  ['0 0 1 January *', 'At 00:00, on day 1 of the month, only in January, UTC'],
  ['0 0 L,* * MON', expect.stringContaining('At 00:00') as string],
])('%s is %j', (expression, text) => {
  expect(specText({ kind: 'cron', expression, timeZone: 'UTC' })).toEqual(text);
});

it('tells what is chosen about clock changes', () => {
  const spec = { kind: 'cron', expression: '30 2 * * *', timeZone: 'Europe/Berlin' } as const;
  expect(specText({ ...spec, clockChanges: { gap: 'skip', repeat: 'both' } })).toBe(
    'At 02:30, Europe/Berlin, not when the clock leaves it out, both times when the clock shows it twice',
  );
});

it.each([
  ['FREQ=DAILY', 'Every day, at 06:12:33, Europe/Berlin'],
  ['FREQ=WEEKLY;INTERVAL=2;BYHOUR=9;BYSECOND=0', 'Every 2 weeks, on Saturday, at 09:12, Europe/Berlin'],
  [
    'FREQ=MONTHLY;BYDAY=2TU,-1FR;BYHOUR=9,16;BYMINUTE=0;BYSECOND=0',
    'Every month, on the 2nd Tuesday of the month and the last Friday of the month, at 09:00 and 16:00, Europe/Berlin',
  ],
  [
    'FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13',
    'Every month, on day 13 of the month, only on Friday, at 06:12:33, Europe/Berlin',
  ],
  [
    'FREQ=YEARLY;BYMONTH=1,3;BYMONTHDAY=-2;BYSETPOS=-1',
    'Every year, in January and March, on the 2nd last day of the month, at 06:12:33, of these only the last in each year, Europe/Berlin',
  ],
  [
    'FREQ=YEARLY;BYYEARDAY=100;BYHOUR=1,2,3,4,5,6,7',
    'Every year, on day 100 of the year, at 7 times of the day, Europe/Berlin',
  ],
])('%s is %j', (rule, text) => {
  const anchorAt = new Date('2026-11-28T05:12:33Z');
  expect(specText({ kind: 'rrule', rule, timeZone: 'Europe/Berlin', anchorAt })).toBe(text);
});

it('of several specs says each', () => {
  const cron = { kind: 'cron', expression: '@daily', timeZone: 'UTC' } as const;
  const every = { kind: 'every', seconds: 90, anchorAt: new Date(0) } as const;
  expect(specText({ kind: 'anyOf', specs: [cron, every] })).toBe('At 00:00, UTC; Every 90 seconds');
});

it('of an interval and of an instant', () => {
  const at = new Date('2031-01-01T08:00:00Z');
  expect(specText({ kind: 'every', seconds: 90, anchorAt: at })).toBe('Every 90 seconds');
  expect(specText({ kind: 'every', seconds: 1, anchorAt: at })).toBe('Every second');
  expect(specText({ kind: 'at', at })).toBe('Once, at 2031-01-01T08:00:00.000Z');
  const [second, third, last] = [2, 3, 4].map((day) => new Date(Date.UTC(2031, 0, day)));
  const listed = (...instants: (Date | undefined)[]) =>
    specText({ kind: 'instants', instants: instants.filter((instant) => instant !== undefined) });
  expect(listed(at)).toBe('Once, at 2031-01-01T08:00:00.000Z');
  expect(listed(at, second)).toBe('At 2031-01-01T08:00:00.000Z and 2031-01-02T00:00:00.000Z');
  expect(listed(at, second, third, last)).toBe(
    'At 4 instants, from 2031-01-01T08:00:00.000Z to 2031-01-04T00:00:00.000Z',
  );
});
