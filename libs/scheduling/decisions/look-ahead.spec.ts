import { describe, expect, it } from 'vitest';
import { largestCrowd, lookAhead } from './look-ahead.js';

const bounds = { lookAheadMs: 10_000, lookAheadMaxMs: 120_000 };

describe('how far ahead the planner looks', () => {
  it.each([
    { crowd: 0, expected: 10_000 },
    { crowd: 2_499, expected: 10_000 },
    { crowd: 2_500, expected: 11_000 },
    { crowd: 100_000, expected: 50_000 },
    { crowd: 275_000, expected: 120_000 },
    { crowd: 5_000_000, expected: 120_000 },
  ])('with $crowd schedules due soon: $expected ms', ({ crowd, expected }) => {
    expect(lookAhead({ ...bounds, crowd })).toBe(expected);
  });

  it('is at its farthest for the largest crowd that is counted, and no sooner', () => {
    const most = largestCrowd(bounds);
    expect(lookAhead({ ...bounds, crowd: most })).toBe(bounds.lookAheadMaxMs);
    expect(lookAhead({ ...bounds, crowd: most - 1 })).toBeLessThan(bounds.lookAheadMaxMs);
  });

  it('counts nobody when it may look no farther', () => {
    expect(largestCrowd({ lookAheadMs: 60_000, lookAheadMaxMs: 60_000 })).toBe(0);
  });
});
