// Is an endpoint's wish understood, in both of its forms, and nonsense passed over?
import { expect, it } from 'vitest';
import { retryAfterMs } from './retry-after.js';

const now = new Date('2026-11-21T08:00:00Z');

it.each<[string | undefined, number | null]>([
  ['120', 120_000],
  [' 0 ', 0],
  ['Sat, 21 Nov 2026 08:00:30 GMT', 30_000],
  ['Sat, 21 Nov 2026 07:00:00 GMT', 0],
  ['999999999', 86_400_000],
  ['Fri, 31 Dec 2100 00:00:00 GMT', 86_400_000],
  [undefined, null],
  ['', null],
  ['soon', null],
  ['-5', null],
  ['1.5', null],
  ['1e3', null],
])('%s', (header, ms) => {
  expect(retryAfterMs(header, now)).toBe(ms);
});
