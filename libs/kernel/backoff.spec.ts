// Do delays grow as promised, stay under their cap, and spread?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reconnectDelayMs, retryDelayMs, type BackoffPolicy } from './backoff.js';

const policies: fc.Arbitrary<BackoffPolicy> = fc.record({
  kind: fc.constantFrom('exponential', 'linear', 'fixed'),
  minMs: fc.integer({ min: 0, max: 3_600_000 }),
  maxMs: fc.integer({ min: 0, max: 7 * 86_400_000 }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
});
const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const failureCounts = fc.oneof(
  fc.integer({ min: 1, max: 30 }),
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
);
const never = () => 0;

describe('retryDelayMs', () => {
  it.each([
    ['exponential', [100, 200, 400, 800, 1000, 1000]],
    ['linear', [100, 200, 300, 400, 500, 600]],
    ['fixed', [100, 100, 100, 100, 100, 100]],
  ] as const)('grows %s from the first failure on', (kind, expected) => {
    const policy = { kind, minMs: 100, maxMs: 1000, jitter: 0 };
    expect([1, 2, 3, 4, 5, 6].map((failures) => retryDelayMs({ policy, failures, random: never }))).toEqual(
      expected,
    );
  });

  it('never shrinks from one failure to the next without jitter', () => {
    fc.assert(
      fc.property(policies, failureCounts, (policy, failures) => {
        const plain = { ...policy, jitter: 0 };
        const delayMs = retryDelayMs({ policy: plain, failures, random: never });
        expect(retryDelayMs({ policy: plain, failures: failures + 1, random: never })).toBeGreaterThanOrEqual(
          delayMs,
        );
      }),
    );
  });

  it('is a whole number between nothing and the cap, whatever chance says', () => {
    fc.assert(
      fc.property(policies, failureCounts, chances, (policy, failures, chance) => {
        const delayMs = retryDelayMs({ policy, failures, random: () => chance });
        expect(Number.isSafeInteger(delayMs)).toBe(true);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(policy.maxMs);
      }),
    );
  });

  it('takes away at most the share of the delay that jitter names', () => {
    const policy: BackoffPolicy = { kind: 'fixed', minMs: 1000, maxMs: 1000, jitter: 0.2 };
    expect(retryDelayMs({ policy, failures: 1, random: never })).toBe(1000);
    expect(retryDelayMs({ policy, failures: 1, random: () => 0.5 })).toBe(900);
    expect(retryDelayMs({ policy, failures: 1, random: () => 0.999_999 })).toBe(800);
  });
});

describe('reconnectDelayMs', () => {
  it('stays between 100 ms and 2 s', () => {
    fc.assert(
      fc.property(failureCounts, chances, (attempt, chance) => {
        const delayMs = reconnectDelayMs({ attempt, random: () => chance });
        expect(delayMs).toBeGreaterThanOrEqual(100);
        expect(delayMs).toBeLessThanOrEqual(2000);
      }),
    );
  });

  it('spreads the first attempt, and every later one over a range at least as wide', () => {
    const widest = [1, 2, 3, 4, 5, 6, 7, 50].map((attempt) =>
      reconnectDelayMs({ attempt, random: () => 0.999_999 }),
    );
    expect(widest).toEqual([200, 400, 800, 1600, 2000, 2000, 2000, 2000]);
  });
});
