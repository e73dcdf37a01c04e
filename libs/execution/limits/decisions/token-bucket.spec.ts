// Does a bucket give what its rate allows, neither more nor less?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeTokens } from './token-bucket.js';

const rates = fc.record({
  count: fc.integer({ min: 1, max: 50 }),
  perSeconds: fc.integer({ min: 1, max: 60 }),
});
const asks = fc.array(
  fc.record({ afterMs: fc.integer({ min: 0, max: 20_000 }), wanted: fc.integer({ min: 0, max: 80 }) }),
  { maxLength: 40 },
);

describe('a bucket', () => {
  it('I7: gives in no window of t seconds more than count + t × count / perSeconds', () => {
    fc.assert(
      fc.property(rates, asks, (rate, asked) => {
        const given: { atMs: number; granted: number }[] = [];
        let [nowMs, spentUntilMs] = [0, -1e9];
        for (const { afterMs, wanted } of asked) {
          nowMs += afterMs;
          const grant = takeTokens({ rate, spentUntilMs, nowMs, wanted });
          ({ spentUntilMs } = grant);
          given.push({ atMs: nowMs, granted: grant.granted });
        }
        for (const [from, { atMs: sinceMs }] of given.entries()) {
          let sum = 0;
          for (const { atMs, granted } of given.slice(from)) {
            sum += granted;
            const allowed = rate.count + ((atMs - sinceMs) / 1_000) * (rate.count / rate.perSeconds);
            expect(sum).toBeLessThanOrEqual(allowed + 1e-3);
          }
        }
      }),
    );
  });

  it('never idles: what a plain count of tokens has is given', () => {
    fc.assert(
      fc.property(rates, asks, (rate, asked) => {
        let [nowMs, spentUntilMs, tokens] = [0, 0, rate.count];
        for (const { afterMs, wanted } of asked) {
          nowMs += afterMs;
          tokens = Math.min(rate.count, tokens + (afterMs / 1_000) * (rate.count / rate.perSeconds));
          const grant = takeTokens({ rate, spentUntilMs, nowMs, wanted });
          expect(grant.granted).toBeGreaterThanOrEqual(Math.min(wanted, Math.floor(tokens - 1e-4)));
          tokens -= grant.granted;
          ({ spentUntilMs } = grant);
        }
      }),
    );
  });

  it('says exactly how long to wait for one more', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 80 }), (rate, wanted) => {
        const first = takeTokens({ rate, spentUntilMs: 0, nowMs: 0, wanted });
        const ask = (nowMs: number): number =>
          takeTokens({ rate, spentUntilMs: first.spentUntilMs, nowMs, wanted: 1 }).granted;
        expect(ask(first.waitMs)).toBe(1);
        if (first.waitMs > 1) expect(ask(first.waitMs - 1)).toBe(0);
      }),
    );
  });
});
