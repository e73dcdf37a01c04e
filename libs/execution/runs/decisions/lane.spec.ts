// Is the order of two runs what their priorities and their waiting say?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rankOf } from './lane.js';

const at = (ms: number): Date => new Date(1_795_000_000_000 + ms);

describe('of two runs the one goes first', () => {
  it.each([
    ['that has waited longer', { runAt: at(0), priority: 0 }, { runAt: at(1), priority: 0 }],
    ['with the higher priority', { runAt: at(59_999), priority: 1 }, { runAt: at(0), priority: 0 }],
    [
      'that has waited longer by a minute for each step',
      { runAt: at(0), priority: 0 },
      { runAt: at(60_001), priority: 1 },
    ],
  ])('%s', (_, first, second) => {
    expect(rankOf(first)).toBeLessThan(rankOf(second));
  });

  it('however the clock goes on: waiting changes both by the same', () => {
    const run = fc.record({
      runAt: fc.integer({ max: 1e9 }).map(at),
      priority: fc.integer({ min: -100, max: 100 }),
    });
    fc.assert(
      fc.property(run, run, fc.integer({ min: 0, max: 1e9 }), (a, b, laterMs) => {
        const waited = ({ runAt, priority }: typeof a): number =>
          at(laterMs).getTime() - runAt.getTime() + priority * 60_000;
        expect(Math.sign(rankOf(a) - rankOf(b)) || 0).toBe(Math.sign(waited(b) - waited(a)) || 0);
      }),
    );
  });
});
