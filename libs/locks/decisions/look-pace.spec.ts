// Does a caller that waits learn soon that its lock is free, however long it was held?
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nextLookMs } from './look-pace.js';

it.each([
  { what: 'nothing holds it', looks: [{ heldMs: null, expiresInMs: null }], ms: 250 },
  { what: 'there is nothing to look at', looks: [], ms: 250 },
  { what: 'it was held for a moment', looks: [{ heldMs: 1, expiresInMs: 30_000 }], ms: 20 },
  { what: 'it was held for a while', looks: [{ heldMs: 200, expiresInMs: 30_000 }], ms: 50 },
  { what: 'it was held for long', looks: [{ heldMs: 60_000, expiresInMs: 30_000 }], ms: 250 },
  { what: 'its lease ends soon', looks: [{ heldMs: 60_000, expiresInMs: 40 }], ms: 40 },
  {
    what: 'one of several was held for a moment',
    looks: [
      { heldMs: 60_000, expiresInMs: 30_000 },
      { heldMs: 100, expiresInMs: 30_000 },
    ],
    ms: 25,
  },
])('the next look comes after $ms ms when $what', ({ looks, ms }) => {
  expect(nextLookMs(looks)).toBe(ms);
});

it('comes neither all the time nor late', () => {
  const held = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }));
  const look = fc.record({ heldMs: held, expiresInMs: held });
  fc.assert(
    fc.property(fc.array(look), (looks) => {
      const ms = nextLookMs(looks);
      expect(ms).toBeGreaterThanOrEqual(20);
      expect(ms).toBeLessThanOrEqual(250);
      for (const { heldMs } of looks)
        if (heldMs !== null) expect(ms).toBeLessThanOrEqual(Math.max(20, heldMs / 4));
    }),
  );
});
