import { expect, it } from 'vitest';
import { Pace } from './pace.js';

it('what was never done is due, and what was done is due again when its time is over', () => {
  const pace = new Pace(100);
  expect(pace.dueInMs(5)).toBeLessThanOrEqual(0);
  pace.done(5);
  expect([5, 60, 105, 110].map((nowMs) => pace.dueInMs(nowMs))).toEqual([100, 45, 0, -5]);
});

it('what is in a hurry is due at once', () => {
  const pace = new Pace(100);
  pace.done(5);
  pace.hurry();
  expect(pace.dueInMs(6)).toBeLessThanOrEqual(0);
});
