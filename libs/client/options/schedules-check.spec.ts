// Is a schedule that could not work refused where its job is defined, with the job, the schedule and the field?
import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '#client/jobs/job-definition.js';
import { wireSchedule } from '#client/jobs/job-schedules.js';

const define = (...schedules: unknown[]) =>
  defineJob({ name: 'report', payload: z.unknown(), schedules: schedules as [] });
const nightly = { name: 'nightly', cron: '0 3 * * *' };

it.each<[object, string]>([
  [{ ...nightly, everySeconds: 5 }, 'in schedule nightly of job report, got cron and everySeconds'],
  [{ name: 'nightly' }, 'in schedule nightly of job report, got none'],
  [{ ...nightly, name: 'Nightly' }, 'expected name of schedule Nightly of job report to be 1 to 100'],
  [{ cron: '@daily' }, 'expected name of schedule [0] of job report to be 1 to 100'],
  [{ ...nightly, tz: 'UTC' }, 'schedule nightly of job report: expected no option tz; it is called timeZone'],
  [{ ...nightly, jobType: 'x' }, 'expected no option jobType'],
  [{ ...nightly, payload: 5 }, 'expected payload of schedule nightly of job report to be an object, got 5'],
  [
    { name: 'nightly', everySeconds: 0.5 },
    'expected everySeconds of schedule nightly of job report to be a whole',
  ],
  [{ name: 'nightly', at: 'tomorrow' }, 'got "tomorrow"'],
  [{ name: 'nightly', anyOf: [{ cron: 'x', at: 'y' }] }, 'in anyOf[0] of schedule nightly of job report'],
  [{ ...nightly, startAt: new Date(Number.NaN) }, 'expected startAt of schedule nightly'],
  [{ ...nightly, overlap: { max: 3 } }, 'expected overlap.mode of schedule nightly'],
  [{ ...nightly, catchUp: { mode: 'some' } }, 'to be one of none, latest, all, got "some"'],
  [{ ...nightly, clockChanges: { gap: 'x' } }, 'expected clockChanges.gap of schedule nightly'],
  [{ name: 'nightly', afterSuccessOf: 'a', cron: 'x' }, 'got cron and afterSuccessOf'],
  [{ ...nightly, delaySeconds: 5 }, 'got cron and delaySeconds'],
  [{ name: 'nightly', delaySeconds: -1 }, 'expected delaySeconds of schedule nightly'],
  [{ ...nightly, locks: 'a' }, 'expected locks of schedule nightly of job report to be a list of at most 20'],
  [{ ...nightly, locks: ['A'] }, 'expected locks[0].name of schedule nightly of job report to be 1 to 100'],
  [{ ...nightly, tags: 'a' }, 'expected tags of schedule nightly of job report to be a list of texts'],
])('%j is refused', (schedule, message) => {
  expect(() => define(schedule)).toThrow(message);
  expect(() => define(schedule)).toThrow(TypeError);
});

it('of one name is refused twice in a job', () => {
  expect(() => define(nightly, nightly)).toThrow('expected one schedule nightly of job report, got two');
});

it('is sent in the form of the API', () => {
  const [schedule] =
    define({ name: 'once', at: new Date(0), tenants: ['acme'], tags: ['a'] }).schedules ?? [];
  expect(schedule && wireSchedule(schedule)).toEqual({
    name: 'once',
    spec: { at: '1970-01-01T00:00:00.000Z' },
    tags: ['a'],
  });
});

it('is sent with a delay beside what it follows', () => {
  const [schedule] = define({ name: 'behind', afterSuccessOf: 'nightly', delaySeconds: 5 }).schedules ?? [];
  expect(schedule && wireSchedule(schedule)).toEqual({
    name: 'behind',
    spec: { afterSuccessOf: 'nightly', delaySeconds: 5 },
  });
});

it('is sent with its locks written out', () => {
  const given = { ...nightly, locks: ['books', { name: 'gpu', mode: 'permits' }] };
  const [schedule] = define(given).schedules ?? [];
  expect(schedule && wireSchedule(schedule)['locks']).toEqual([
    { name: 'books', mode: 'exclusive', permits: 1 },
    { name: 'gpu', mode: 'permits', permits: 1 },
  ]);
});
