// Are the locks of a job read as they are meant, and refused where it is defined if they can't be meant?
import { expect, it } from 'vitest';
import { checkLocks, wholeWishes } from './lock-wishes.js';

it('a name alone is an exclusive lock, and each default is written out', () => {
  const wishes = wholeWishes([
    'books',
    { name: 'prices', mode: 'shared' },
    { name: 'gpu', mode: 'permits', permits: 2 },
  ]);
  expect(wishes).toEqual([
    { name: 'books', mode: 'exclusive', permits: 1 },
    { name: 'prices', mode: 'shared', permits: 1 },
    { name: 'gpu', mode: 'permits', permits: 2 },
  ]);
});

it.each([undefined, [], ['a', { name: 'b', mode: 'permits', permits: 10_000 }]])('%j is right', (locks) => {
  expect(() => checkLocks(locks)).not.toThrow();
});

it.each([
  ['a', 'expected locks to be a list of at most 20 locks, got "a"'],
  [Array.from({ length: 21 }, (_, n) => `a${n}`), 'expected locks to be a list of at most 20 locks'],
  [[1], 'expected locks[0] to be the name of a lock, or an object with it, got 1'],
  [['a', 'B'], 'expected locks[1].name to be 1 to 100 lower-case letters'],
  [['a', { name: 'a' }], 'expected locks[1].name to be a lock that is not named before, got "a"'],
  [
    [{ name: 'a', mode: 'both' }],
    'expected locks[0].mode to be one of exclusive, shared, permits, got "both"',
  ],
  [[{ name: 'a', permits: 2 }], 'expected locks[0].permits to be 1, or with mode permits up to 10000, got 2'],
  [[{ name: 'a', permit: 2 }], 'expected no locks[0].permit; there are name, mode, permits'],
])('%j is refused with the reason', (locks, reason) => {
  expect(() => checkLocks(locks)).toThrow(TypeError);
  expect(() => checkLocks(locks)).toThrow(reason);
});
