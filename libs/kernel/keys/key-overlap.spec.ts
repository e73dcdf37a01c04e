// Does an owner read from a stored key what the run's maker wrote into it, and from no other key?
import { expect, it } from 'vitest';
import { asId } from '../ids.js';
import { scheduleKey } from '../schedule-key.js';
import {
  isStoredKey,
  isStrictKey,
  overlapKey,
  overlapOf,
  readOverlapKey,
  storedKeyOf,
  type KeyOverlap,
} from './key-overlap.js';

const POLICIES: KeyOverlap[] = [
  { mode: 'skip' },
  { mode: 'replace' },
  { mode: 'latest' },
  { mode: 'queue', max: null },
  { mode: 'queue', max: 1 },
  { mode: 'queue', max: 1_000 },
];

it.each(POLICIES)('reads $mode with $max as it was written for any characters of the key', (overlap) => {
  for (const key of ['customer-7', 'a/b/c', ' ', 'x\ny', 'overlap/skip/k', '7']) {
    const stored = overlapKey({ key, overlap });
    expect(readOverlapKey(stored)).toEqual({ key, overlap });
    expect(overlapOf(stored)).toEqual(overlap);
    expect(isStoredKey(stored)).toBe(true);
  }
});

it.each([
  null,
  '',
  'customer-7',
  'overlap',
  'overlap/skip',
  'overlap/skip/',
  'overlap/allow/k',
  'overlap/queue:0/k',
  'overlap/queue:10000/k',
  'overlap/skip:1/k',
  ' overlap/skip/k',
])('leaves %j to its user', (key) => {
  expect(readOverlapKey(key)).toBeNull();
  expect(overlapOf(key)).toBeUndefined();
});

it("knows the key of a schedule's own runs, too", () => {
  const stored = scheduleKey({
    scheduleId: asId.schedule('0197a0c4-95b1-7c3e-8b7e-3f0d5a2c1e99'),
    overlap: { mode: 'queue', max: 3 },
  });
  expect(overlapOf(stored)).toEqual({ mode: 'queue', max: 3 });
  expect(isStoredKey(stored)).toBe(true);
  expect(readOverlapKey(stored)).toBeNull();
});

it('reads a strict order as it was written, beside a queue without a bound', () => {
  for (const key of ['customer-7', 'a/b/c', 'x\ny', 'overlap/strict/k']) {
    const stored = storedKeyOf(key, { mode: 'queue' }, 'strict');
    expect(stored).toBe(`overlap/strict/${key}`);
    expect(readOverlapKey(stored)).toEqual({
      key,
      overlap: { mode: 'queue', max: null },
      isStrict: true,
    });
    expect(isStrictKey(stored)).toBe(true);
    expect(isStoredKey(stored)).toBe(true);
    expect(overlapKey({ key, overlap: { mode: 'queue', max: null }, isStrict: true })).toBe(stored);
  }
});

it('finds no strict order where none was asked for', () => {
  for (const stored of [null, 'k', storedKeyOf('k', undefined, 'any'), storedKeyOf('k', { mode: 'queue' })])
    expect(isStrictKey(stored)).toBe(false);
});
