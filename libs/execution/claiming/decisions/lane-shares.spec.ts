// Does a claim ask for no more than there is room for, and does everybody get a part of it?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foundLimit, goingLimit, laneQuotas } from './lane-shares.js';

/** What a claim asks for when so many lanes wait. */
function share(waiting: { room: number; found: number; going: number; lanesMax: number }) {
  const { room, lanesMax } = waiting;
  const found = Math.min(waiting.found, foundLimit({ room, going: waiting.going, lanesMax }));
  const going = Math.min(waiting.going, goingLimit({ room, found, lanesMax }));
  return { found, going, quotas: laneQuotas({ room, found, going }) };
}

describe('the room of a claim', () => {
  const cases = [
    // one tenant's thousands, alone
    [
      { room: 1_000, found: 1, going: 0, lanesMax: 250 },
      { found: 1, going: 0, quotas: { found: 1_000, going: 0 } },
    ],
    [
      { room: 1_000, found: 0, going: 1, lanesMax: 250 },
      { found: 0, going: 1, quotas: { found: 0, going: 1_000 } },
    ],
    // many tenants that all have much
    [
      { room: 1_000, found: 900, going: 0, lanesMax: 250 },
      { found: 250, going: 0, quotas: { found: 4, going: 0 } },
    ],
    [
      { room: 1_000, found: 0, going: 900, lanesMax: 250 },
      { found: 0, going: 63, quotas: { found: 0, going: 15 } },
    ],
    // somebody comes with a few, beside them
    [
      { room: 1_000, found: 1, going: 900, lanesMax: 250 },
      { found: 1, going: 63, quotas: { found: 4, going: 15 } },
    ],
    [
      { room: 1_000, found: 600, going: 900, lanesMax: 250 },
      { found: 250, going: 32, quotas: { found: 2, going: 15 } },
    ],
    [
      { room: 1, found: 5, going: 5, lanesMax: 250 },
      { found: 1, going: 0, quotas: { found: 1, going: 0 } },
    ],
  ] as const;
  it.each(cases)('is shared: %j', (waiting, expected) => {
    expect(share(waiting)).toEqual(expected);
  });

  it('is never exceeded, and each lane that is served gets some of it', () => {
    const count = fc.nat({ max: 3_000 });
    const waiting = fc.record({
      room: fc.integer({ min: 1, max: 5_000 }),
      found: count,
      going: count,
      lanesMax: fc.integer({ min: 1, max: 500 }),
    });
    fc.assert(
      fc.property(waiting, (given) => {
        const { found, going, quotas } = share(given);
        expect(found * quotas.found + going * quotas.going).toBeLessThanOrEqual(given.room);
        expect(found + going).toBeGreaterThan(given.found + given.going > 0 ? 0 : -1);
        if (found > 0) expect(quotas.found).toBeGreaterThan(0);
        if (going > 0) expect(quotas.going).toBeGreaterThan(0);
        // All of the room is asked for, but for what does not divide.
        const asked = found * quotas.found + going * quotas.going;
        if (going > 0 || (found > 0 && given.going === 0))
          expect(given.room - asked).toBeLessThan(found + going);
      }),
    );
  });
});
