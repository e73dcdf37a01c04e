// Does each success have a due time of its own?
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { place } from '#scheduling/following/decisions/place.js';
import { unanswered } from './unanswered.js';

const at = (ms: number): Date => new Date(1_763_700_000_000 + ms);
const few = fc.array(fc.integer({ min: 0, max: 20 }).map(at), { maxLength: 300 });

it('none is missed where all were placed, in whichever order they came', () => {
  fc.assert(
    fc.property(few, (asked) => {
      const taken = new Set<number>();
      for (const dueAt of asked) place({ dueAt, startAt: null, endAt: null }, taken);
      expect(
        unanswered(
          asked,
          [...taken].map((ms) => new Date(ms)),
        ),
      ).toEqual([]);
    }),
  );
});

it('as many are missed as were lost', () => {
  fc.assert(
    fc.property(few, fc.nat(), (asked, draw) => {
      fc.pre(asked.length > 0);
      const taken = new Set<number>();
      for (const dueAt of asked) place({ dueAt, startAt: null, endAt: null }, taken);
      const known = [...taken].map((ms) => new Date(ms));
      known.splice(draw % known.length, 1);
      expect(unanswered(asked, known)).toHaveLength(1);
    }),
  );
});

it('a due time of something else answers none', () => {
  expect(unanswered([at(0), at(5_000)], [at(-1_001), at(1_001), at(5_000)])).toEqual([at(0)]);
});
