// Are hints bounded, however many are asked for and however often?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterHint, hintWaitMs } from './hint-pace.js';

/** Sends whenever it may, and resolves with the instants. */
function play(perSecond: number, wishes: readonly number[]): number[] {
  let spentUntilMs = Number.NEGATIVE_INFINITY;
  return wishes.flatMap((nowMs) => {
    if (hintWaitMs({ perSecond, spentUntilMs }, nowMs) > 0) return [];
    spentUntilMs = afterHint({ perSecond, spentUntilMs }, nowMs);
    return [nowMs];
  });
}

describe('the pace of hints', () => {
  it('is kept in every second, whenever they are wished for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 600 }),
        (perSecond, gaps) => {
          let atMs = 0;
          const sent = play(
            perSecond,
            gaps.map((gap) => (atMs += gap)),
          );
          for (const from of sent)
            expect(sent.filter((at) => at >= from && at < from + 1_000).length).toBeLessThanOrEqual(
              perSecond,
            );
        },
      ),
    );
  });

  it('lets half of them go at once, and the rest at an even pace', () => {
    const sent = play(
      40,
      Array.from({ length: 1_001 }, (_, ms) => ms),
    );
    expect(sent.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, ms) => ms));
    expect(sent.slice(20, 23)).toEqual([50, 100, 150]);
  });

  it('says how long to wait', () => {
    expect(hintWaitMs({ perSecond: 1, spentUntilMs: 2_000 }, 500)).toBe(1_500);
    expect(hintWaitMs({ perSecond: 40, spentUntilMs: 960 }, 0)).toBe(10);
    expect(hintWaitMs({ perSecond: 40, spentUntilMs: 950 }, 0)).toBe(0);
  });
});
