// Does a claim ask for no more than there is room for, and does every lane get a part of it?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshLimit, laneQuotas, resumedLimit } from './lane-shares.js';

/** What a claim asks for when so many lanes wait. */
function share(waiting: { room: number; fresh: number; resumed: number; lanesMax: number }) {
  const { room, lanesMax } = waiting;
  const fresh = Math.min(waiting.fresh, freshLimit({ room, resumed: waiting.resumed, lanesMax }));
  const resumed = Math.min(waiting.resumed, resumedLimit({ room, fresh, lanesMax }));
  return { fresh, resumed, quotas: laneQuotas({ room, fresh, resumed }) };
}

describe('the room of a claim', () => {
  const cases = [
    // one tenant's thousands, alone
    [
      { room: 1_000, fresh: 1, resumed: 0, lanesMax: 250 },
      { fresh: 1, resumed: 0, quotas: { fresh: 1_000, resumed: 0 } },
    ],
    [
      { room: 1_000, fresh: 0, resumed: 1, lanesMax: 250 },
      { fresh: 0, resumed: 1, quotas: { fresh: 0, resumed: 1_000 } },
    ],
    // many tenants that all have much
    [
      { room: 1_000, fresh: 900, resumed: 0, lanesMax: 250 },
      { fresh: 250, resumed: 0, quotas: { fresh: 4, resumed: 0 } },
    ],
    [
      { room: 1_000, fresh: 0, resumed: 900, lanesMax: 250 },
      { fresh: 0, resumed: 63, quotas: { fresh: 0, resumed: 15 } },
    ],
    // a tenant comes with a few, beside them
    [
      { room: 1_000, fresh: 1, resumed: 900, lanesMax: 250 },
      { fresh: 1, resumed: 63, quotas: { fresh: 4, resumed: 15 } },
    ],
    [
      { room: 1_000, fresh: 600, resumed: 900, lanesMax: 250 },
      { fresh: 250, resumed: 32, quotas: { fresh: 2, resumed: 15 } },
    ],
    [
      { room: 1, fresh: 5, resumed: 5, lanesMax: 250 },
      { fresh: 1, resumed: 0, quotas: { fresh: 1, resumed: 0 } },
    ],
  ] as const;
  it.each(cases)('is shared: %j', (waiting, expected) => {
    expect(share(waiting)).toEqual(expected);
  });

  it('is never exceeded, and each lane that is served gets some of it', () => {
    const count = fc.nat({ max: 3_000 });
    const waiting = fc.record({
      room: fc.integer({ min: 1, max: 5_000 }),
      fresh: count,
      resumed: count,
      lanesMax: fc.integer({ min: 1, max: 500 }),
    });
    fc.assert(
      fc.property(waiting, (given) => {
        const { fresh, resumed, quotas } = share(given);
        expect(fresh * quotas.fresh + resumed * quotas.resumed).toBeLessThanOrEqual(given.room);
        expect(fresh + resumed).toBeGreaterThan(given.fresh + given.resumed > 0 ? 0 : -1);
        if (fresh > 0) expect(quotas.fresh).toBeGreaterThan(0);
        if (resumed > 0) expect(quotas.resumed).toBeGreaterThan(0);
        // All of the room is asked for, but for what does not divide.
        const asked = fresh * quotas.fresh + resumed * quotas.resumed;
        if (resumed > 0 || (fresh > 0 && given.resumed === 0))
          expect(given.room - asked).toBeLessThan(fresh + resumed);
      }),
    );
  });
});
