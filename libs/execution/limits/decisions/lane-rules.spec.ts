// What keeps a run from starting, and how many are worth holding?
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { scheduleKey } from '#kernel/schedule-key.js';
import {
  barrierOf,
  limitsConcurrency,
  NO_RULES,
  withKeyOverlap,
  worthHolding,
  type LaneRules,
} from './lane-rules.js';

const rules = (wish: Partial<LaneRules>): LaneRules => ({ ...NO_RULES, ...wish });
const occupied = { byTenant: 2, byJobType: 2, byKey: 2 };
const [full, free] = [2, 3];

describe('a run is kept from starting', () => {
  it.each([
    ['by nothing where nothing is limited', NO_RULES, true, null],
    ['by a pause before all', rules({ paused: true, tenant: { maxConcurrent: full } }), true, 'paused'],
    [
      'by its tenant',
      rules({ tenant: { maxConcurrent: full }, jobType: { maxConcurrent: full } }),
      true,
      'tenant',
    ],
    [
      'by its job type',
      rules({ jobType: { maxConcurrent: full, maxConcurrentPerKey: full } }),
      true,
      'job-type',
    ],
    ['by its key', rules({ jobType: { maxConcurrent: free, maxConcurrentPerKey: full } }), true, 'key'],
    ['by no key if it has none', rules({ jobType: { maxConcurrentPerKey: full } }), false, null],
    ['by no limit that is not reached', rules({ tenant: { maxConcurrent: free } }), true, null],
    [
      'by no rate: tokens are asked for later',
      rules({ tenant: { rate: { count: 1, perSeconds: 1 } } }),
      true,
      null,
    ],
  ])('%s', (_, lane, hasKey, barrier) => {
    expect(barrierOf(lane, () => occupied, hasKey)).toBe(barrier);
  });

  it.each([
    [rules({ tenant: { maxConcurrent: 9 } }), true],
    [rules({ jobType: { maxConcurrent: 9 } }), true],
    [rules({ jobType: { maxConcurrentPerKey: 9 } }), false],
    [rules({ tenant: { rate: { count: 1, perSeconds: 1 } } }), false],
  ])('I7: while nobody has counted, by any limit that needs a count (%o)', (lane, isKept) => {
    expect(limitsConcurrency(lane, false)).toBe(isKept);
    expect(barrierOf(lane, () => null, false)).toBe(isKept ? 'uncounted' : null);
  });
});

describe('runs are worth holding', () => {
  it.each([
    ['without end where nothing is limited', NO_RULES, Number.POSITIVE_INFINITY],
    [
      'as the narrowest limit says',
      rules({ tenant: { maxConcurrent: 50 }, jobType: { maxConcurrent: 5 } }),
      30,
    ],
    ['as an exclusive lock says', rules({ locks: [{ name: 'door', mode: 'exclusive', permits: 1 }] }), 22],
    [
      'as locks say that others may share',
      rules({ locks: [{ name: 'gpu', mode: 'permits', permits: 1 }] }),
      120,
    ],
    ['as own locks say, of which it is not known how they are shared', rules({ hasOwnLocks: true }), 120],
    ['as the rate says', rules({ jobType: { rate: { count: 3, perSeconds: 60 } } }), 23],
  ])('%s', (_, lane, worth) => {
    expect(worthHolding(lane, false)).toBe(worth);
  });
});

it("a schedule's own lane is limited by no key, and by all else", () => {
  const scheduleId = asId.schedule('0197a0c4-95b1-7c3e-8b7e-3f0d5a2c1e99');
  const key = scheduleKey({ scheduleId, overlap: { mode: 'allow' } });
  const own = withKeyOverlap(rules({ jobType: { maxConcurrent: free, maxConcurrentPerKey: 1 } }), key);
  expect(own.hasOwnLocks).toBe(true);
  expect(own.overlap).toBeUndefined();
  expect(barrierOf(own, () => occupied, true)).toBeNull();
  expect(barrierOf(own, () => ({ ...occupied, byJobType: free }), true)).toBe('job-type');
});
