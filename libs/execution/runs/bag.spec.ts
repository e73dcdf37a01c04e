// Does a bag hold the same as a set, through all that comes and goes?
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Bag } from './bag.js';

const MEMBERS = Array.from({ length: 6 }, () => ({ place: 0 }));

it('a bag holds what came and has not left', () => {
  const act = fc.record({
    kind: fc.constantFrom('add', 'delete', 'clear'),
    which: fc.nat(MEMBERS.length - 1),
  });
  fc.assert(
    fc.property(fc.array(act), (acts) => {
      const bag = new Bag<(typeof MEMBERS)[number]>((member) => member);
      const set = new Set<object>();
      for (const { kind, which } of acts) {
        const member = MEMBERS[which];
        if (member === undefined) throw new Error('expected a member');
        if (kind === 'add' && !set.has(member)) {
          bag.add(member);
          set.add(member);
        } else if (kind === 'delete') expect(bag.delete(member)).toBe(set.delete(member));
        else if (kind === 'clear') {
          bag.clear();
          set.clear();
        }
        expect(MEMBERS.filter((each) => bag.has(each))).toEqual(MEMBERS.filter((each) => set.has(each)));
        expect([bag.size, new Set(bag.values())]).toEqual([set.size, set]);
        expect(bag.values().every((each) => bag.at(each.place) === each)).toBe(true);
      }
    }),
  );
});
