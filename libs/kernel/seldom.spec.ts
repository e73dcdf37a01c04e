// Is each key told once in a span, and is what is remembered bounded?
import { expect, it } from 'vitest';
import { Seldom } from './seldom.js';

it('each key is told once in a span', () => {
  const seldom = new Seldom({ everyMs: 60, keysMax: 10 });
  const told = [0, 59, 60, 61, 119, 120].map((nowMs) => seldom.isDue('a', nowMs));
  expect(told).toEqual([true, false, true, false, false, true]);
  expect(seldom.isDue('b', 61)).toBe(true);
});

it('no more keys are remembered than the bound, and none goes untold for it', () => {
  const seldom = new Seldom({ everyMs: 60, keysMax: 2 });
  expect(['a', 'b', 'c', 'a'].map((key) => seldom.isDue(key, 0))).toEqual([true, true, true, true]);
  expect(seldom.isDue('c', 1)).toBe(false);
});
