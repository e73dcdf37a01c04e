// Does the memo answer as the function does, and forget in the right order?
import { expect, it } from 'vitest';
import { boundedMemo } from './bounded-memo.js';

it('remembers the answers asked for last and forgets the one that has waited longest', () => {
  const asked: string[] = [];
  const length = boundedMemo(2, (key) => {
    asked.push(key);
    return key.length;
  });
  expect(['a', 'bb', 'a', 'ccc', 'a', 'bb'].map(length)).toEqual([1, 2, 1, 3, 1, 2]);
  expect(asked).toEqual(['a', 'bb', 'ccc', 'bb']);
});

it('asks again after a failure', () => {
  let tries = 0;
  const flaky = boundedMemo(2, () => {
    tries += 1;
    if (tries === 1) throw new RangeError('not yet');
    return tries;
  });
  expect(() => flaky('a')).toThrow('not yet');
  expect(flaky('a')).toBe(2);
});
