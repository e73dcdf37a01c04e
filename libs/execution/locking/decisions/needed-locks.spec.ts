// Which locks does an attempt hold whose job type and schedule name some?
import { expect, it } from 'vitest';
import type { NeededLock } from '#execution/limits/decisions/lane-rules.js';
import { neededLocks } from './needed-locks.js';

const lock = (name: string, mode: NeededLock['mode'] = 'exclusive', permits = 1) => ({ name, mode, permits });

it.each([
  ['none', undefined, null, undefined],
  ["its job type's alone", [lock('a')], null, [lock('a')]],
  ["its schedule's alone", undefined, [lock('b')], [lock('b')]],
  ['both', [lock('a')], [lock('b')], [lock('b'), lock('a')]],
  [
    'each once, as its schedule says',
    [lock('a'), lock('gpu', 'permits', 2)],
    [lock('gpu', 'permits', 1), lock('a', 'shared')],
    [lock('gpu', 'permits', 1), lock('a', 'shared')],
  ],
])('%s', (_, ofJobType, own, needed) => {
  expect(neededLocks(ofJobType, own)).toEqual(needed);
});

it('those of the job type are handed on as they are, so that nothing is made for runs without', () => {
  const locks = [lock('a')];
  expect(neededLocks(locks, null)).toBe(locks);
});
