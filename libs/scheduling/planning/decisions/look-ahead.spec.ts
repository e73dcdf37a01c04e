import { describe, expect, it } from 'vitest';
import { furtherMs, largestRush, lookAhead } from './look-ahead.js';

const bounds = { lookAheadMs: 10_000, lookAheadMaxMs: 120_000 };

describe('how far ahead the planner looks', () => {
  it.each([
    { rush: 0, expected: 10_000 },
    { rush: 2_499, expected: 10_000 },
    { rush: 2_500, expected: 11_000 },
    { rush: 100_000, expected: 50_000 },
    { rush: 275_000, expected: 120_000 },
    { rush: 5_000_000, expected: 120_000 },
  ])('with $rush schedules due soon: $expected ms', ({ rush, expected }) => {
    expect(lookAhead({ ...bounds, rush })).toBe(expected);
  });

  it('is at its farthest for the largest rush that is counted, and no sooner', () => {
    const most = largestRush(bounds);
    expect(lookAhead({ ...bounds, rush: most })).toBe(bounds.lookAheadMaxMs);
    expect(lookAhead({ ...bounds, rush: most - 1 })).toBeLessThan(bounds.lookAheadMaxMs);
  });

  it('counts nobody when it may look no farther', () => {
    expect(largestRush({ lookAheadMs: 60_000, lookAheadMaxMs: 60_000 })).toBe(0);
  });
});

describe('how much further a schedule is planned that is due', () => {
  it.each([
    { schedules: 0, expected: 5_000 },
    { schedules: 500, expected: 5_000 },
    { schedules: 1_000, expected: 2_000 },
    { schedules: 1_300, expected: 1_000 },
    { schedules: 2_000, expected: 0 },
    { schedules: 4_000, expected: 0 },
  ])('where a pass has $schedules: $expected ms', ({ schedules, expected }) => {
    expect(furtherMs({ schedules, firesMax: 4_000, furtherMaxMs: 5_000 })).toBe(expected);
  });
});
