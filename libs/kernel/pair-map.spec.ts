// Does a map of pairs keep each pair apart, and nothing of what is gone?
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PairMap } from './pair-map.js';

const key = fc.constantFrom('', 'a', 'b', 'a/b');
const step = fc.record({ first: key, second: key, value: fc.option(fc.nat(9)) });

const inOrder = (values: Iterable<number>): number[] => [...values].toSorted((a, b) => a - b);

it('holds what a map of joined keys would hold', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const pairs = new PairMap<string, string, number>();
      const model = new Map<string, number>();
      for (const { first, second, value } of steps) {
        const joined = JSON.stringify([first, second]);
        if (value === null) {
          pairs.delete(first, second);
          model.delete(joined);
        } else {
          pairs.set(first, second, value);
          model.set(joined, value);
        }
        expect(pairs.get(first, second)).toBe(model.get(joined));
      }
      expect(inOrder(pairs.values())).toEqual(inOrder(model.values()));
      pairs.clear();
      expect([...pairs.values()]).toEqual([]);
    }),
  );
});
