// Does a replica stop trusting itself before any other replica may stop trusting it?
import { describe, expect, it } from 'vitest';
import { trustedUntilMs } from './trust.js';

describe('the trust window', () => {
  it('ends a margin before `deadAfterMs` has passed since the start of the beat', () => {
    expect(trustedUntilMs({ beatStartedAtMs: 10_000, deadAfterMs: 5_000, marginMs: 1_000 })).toBe(14_000);
  });

  it('may be over before the answer to its beat comes', () => {
    const [startedAtMs, answeredAtMs] = [10_000, 14_500];
    expect(
      trustedUntilMs({ beatStartedAtMs: startedAtMs, deadAfterMs: 5_000, marginMs: 1_000 }),
    ).toBeLessThan(answeredAtMs);
  });
});
