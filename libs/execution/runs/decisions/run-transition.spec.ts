// Does every run come to an end, and none to an end before its attempts are used up (I2)?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { transition, unbegun, type AttemptResult, type RetryRule } from './run-transition.js';

const retry: RetryRule = { maxAttempts: 3, kind: 'exponential', minMs: 1_000, maxMs: 600_000, jitter: 0.2 };
const error = { name: 'Error', message: 'no route to host' };
const failed: AttemptResult = { kind: 'failed', error, fatal: false };
const timedOut: AttemptResult = { kind: 'timed-out', error };
const after = (failures: number, result: AttemptResult, random = () => 0) =>
  transition({ failures, result, retry, random });

describe('an attempt', () => {
  it('that has not begun leaves its run as it was, without a recorded start if it was lost before', () => {
    expect([unbegun({ losses: 0 }), unbegun({ losses: 1 })]).toEqual([
      { kind: 'give-back' },
      { kind: 'put-off', delayMs: 0 },
    ]);
  });

  it('that succeeded finishes its run with the output, however often it had failed before', () => {
    const result: AttemptResult = { kind: 'succeeded', output: { sent: 3 } };
    const finish = { kind: 'finish', outcome: 'succeeded', output: { sent: 3 } };
    expect([0, 2, 99].map((failures) => after(failures, result))).toEqual([finish, finish, finish]);
  });

  it('that failed is followed by another until the attempts are used up', () => {
    expect(after(0, failed)).toEqual({ kind: 'retry', outcome: 'failed', delayMs: 1_000, error });
    expect(after(1, failed)).toEqual({ kind: 'retry', outcome: 'failed', delayMs: 2_000, error });
    expect(after(2, failed)).toEqual({ kind: 'finish', outcome: 'dead-lettered', error });
  });

  it('that timed out has failed, and says how', () => {
    expect(after(1, timedOut)).toEqual({ kind: 'retry', outcome: 'timed-out', delayMs: 2_000, error });
    expect(after(2, timedOut)).toEqual({ kind: 'finish', outcome: 'dead-lettered', error });
  });

  it.each([
    [0, 0],
    [90_000.4, 90_000],
    [-5, 0],
    [Number.NaN, 0],
    [Number.POSITIVE_INFINITY, 30 * 86_400_000],
  ])(
    'that asked to be tried again in %d ms is, in %d, and not as the policy says',
    (retryAfterMs, delayMs) => {
      expect(after(0, { ...failed, retryAfterMs })).toEqual({
        kind: 'retry',
        outcome: 'failed',
        delayMs,
        error,
      });
      expect(after(50, { kind: 'snoozed', delayMs: retryAfterMs })).toEqual({
        kind: 'retry',
        outcome: 'snoozed',
        delayMs,
        error: null,
      });
    },
  );

  it('that was the last one is not tried again, even if it asked for it', () => {
    expect(after(2, { ...failed, retryAfterMs: 1 })).toMatchObject({ outcome: 'dead-lettered' });
  });

  it('that was cancelled or came too late is the last one', () => {
    expect(after(0, { kind: 'cancelled', error: null })).toEqual({
      kind: 'finish',
      outcome: 'cancelled',
      error: null,
    });
    expect(after(0, { kind: 'expired', error })).toEqual({ kind: 'finish', outcome: 'expired', error });
  });

  it('that has recorded its own end needs no other', () => {
    expect(after(0, { kind: 'completed' })).toEqual({ kind: 'recorded' });
  });

  it('that failed for good is the last one', () => {
    expect(after(0, { ...failed, fatal: true })).toEqual({ kind: 'finish', outcome: 'failed', error });
  });

  it('that was lost costs nothing, even when no failure is left', () => {
    expect(after(2, { kind: 'lost', error })).toEqual({
      kind: 'retry',
      outcome: 'lost',
      delayMs: 0,
      error,
    });
  });

  it('is the only one where one attempt is all there is', () => {
    const once = { ...retry, maxAttempts: 1 };
    expect(transition({ failures: 0, result: failed, retry: once, random: () => 0 }).kind).toBe('finish');
  });

  it('leaves its delay to chance only as far as jitter allows', () => {
    expect(after(0, failed, () => 0.999_999)).toEqual({
      kind: 'retry',
      outcome: 'failed',
      delayMs: 800,
      error,
    });
  });

  it('is under a rule that was tightened meanwhile: with more failures than attempts, the run is over', () => {
    expect(after(50, failed).kind).toBe('finish');
  });
});

describe('a run', () => {
  const results = fc.oneof(
    fc.constant(failed),
    fc.constant<AttemptResult>({ kind: 'failed', error, fatal: true }),
    fc.constant<AttemptResult>({ kind: 'lost', error }),
    fc.constant<AttemptResult>({ kind: 'snoozed', delayMs: 1 }),
    fc.constant<AttemptResult>({ kind: 'put-off', delayMs: 1 }),
    fc.constant(timedOut),
    fc.constant<AttemptResult>({ kind: 'succeeded', output: null }),
  );
  const rules = fc.record({
    maxAttempts: fc.integer({ min: 1, max: 100 }),
    kind: fc.constantFrom('exponential' as const, 'linear' as const, 'fixed' as const),
    minMs: fc.nat(10_000),
    maxMs: fc.nat(100_000),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  it('ends at its first success, at its first fatal failure, or at its last attempt, whichever comes first', () => {
    fc.assert(
      fc.property(fc.array(results, { maxLength: 150 }), rules, (played, rule) => {
        let failures = 0;
        for (const result of played) {
          const next = transition({ failures, result, retry: rule, random: () => 0.5 });
          const isFailure = result.kind === 'failed' || result.kind === 'timed-out';
          const isFatal = result.kind === 'failed' && result.fatal;
          const lastFailure = isFailure && (isFatal || failures + 1 >= rule.maxAttempts);
          expect(next.kind === 'finish').toBe(result.kind === 'succeeded' || lastFailure);
          if (next.kind === 'finish') return;
          if (next.kind === 'retry' && isFailure) failures += 1;
          expect(failures).toBeLessThan(rule.maxAttempts);
        }
      }),
    );
  });
});
