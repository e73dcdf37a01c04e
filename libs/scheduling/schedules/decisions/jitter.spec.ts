import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placementHash } from '#database/runtime/hash.js';
import { randomUUID } from '#database/runtime/uuid.js';
import { jitterMs, startOf } from './jitter.js';

const ofSchedule = (id: string, jitterSeconds: number) =>
  jitterMs({ hash: placementHash(id), jitterSeconds });

describe('the jitter of a schedule', () => {
  it('is a whole number of milliseconds below what it may be, the same each time', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 0, max: 86_400 }), (id, seconds) => {
        const ms = ofSchedule(id, seconds);
        expect(Number.isInteger(ms)).toBe(true);
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThan(Math.max(1, seconds * 1_000));
        expect(ofSchedule(id, seconds)).toBe(ms);
      }),
    );
  });

  it('never changes for an id: runs that are planned by different replicas keep their distance', () => {
    expect(ofSchedule('0190c6f0-0000-7000-8000-000000000001', 3_600)).toBe(3_496_330);
  });

  it('spreads schedules evenly', () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let n = 0; n < 10_000; n += 1) {
      const tenth = Math.floor(ofSchedule(randomUUID(), 100) / 10_000);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // Six times the standard deviation of a fair spread is 180.
    expect(Math.min(...tenths)).toBeGreaterThan(800);
    expect(Math.max(...tenths)).toBeLessThan(1_200);
  });
});

it('moves the start of a run, and without one it starts when it is due', () => {
  const dueAt = new Date('2031-01-01T00:00:00Z');
  expect(startOf(dueAt, null)).toEqual(dueAt);
  expect(startOf(dueAt, 1_500)).toEqual(new Date('2031-01-01T00:00:01.500Z'));
});
