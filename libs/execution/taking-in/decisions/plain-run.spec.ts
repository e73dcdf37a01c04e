// Is a run left to a claim as soon as there is anything about it that only a claim knows?
import { expect, it } from 'vitest';
import { overlapKey } from '#kernel/keys/key-overlap.js';
import { scheduleKey } from '#kernel/schedule-key.js';
import { asId } from '#kernel/ids.js';
import { isPlain } from './plain-run.js';

const RUN = { runAt: null, delayMs: 0, priority: 0, concurrencyKey: null };
const JOB_TYPE = { target: { kind: 'handler' }, locks: [], pausedAt: null };
const scheduleId = asId.schedule('0197c000-0000-7000-8000-000000000000');

it.each([
  ['nothing more', {}],
  ['a key without a policy', { concurrencyKey: 'customer/7' }],
  ['what is left out', { scheduleId: null, locks: null, unique: null }],
])('a run with %s is plain', (_, run) => {
  expect(isPlain({ ...RUN, ...run }, JOB_TYPE)).toBe(true);
});

it.each([
  ['an instant', { runAt: new Date(0) }],
  ['a delay', { delayMs: 1 }],
  ['a priority', { priority: 1 }],
  ['a lower priority', { priority: -1 }],
  ['a schedule', { scheduleId }],
  ['locks', { locks: [{ name: 'door' }] }],
  ['a unique key', { unique: { key: 'k', windowMs: null } }],
  ['a policy', { concurrencyKey: overlapKey({ key: 'k', overlap: { mode: 'skip' } }) }],
  [
    'a strict order',
    { concurrencyKey: overlapKey({ key: 'k', overlap: { mode: 'queue', max: null }, isStrict: true }) },
  ],
  ["a schedule's key", { concurrencyKey: scheduleKey({ scheduleId, overlap: { mode: 'allow' } }) }],
])('a run with %s is not', (_, run) => {
  expect(isPlain({ ...RUN, ...run }, JOB_TYPE)).toBe(false);
});

it.each([
  ['goes elsewhere', { target: { kind: 'http' } }],
  ['needs locks', { locks: [{ name: 'door', mode: 'exclusive' }] }],
  ['is paused', { pausedAt: new Date(0) }],
])('a run whose job type %s is not', (_, jobType) => {
  expect(isPlain(RUN, { ...JOB_TYPE, ...jobType })).toBe(false);
});
