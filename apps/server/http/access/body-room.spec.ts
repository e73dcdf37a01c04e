// Is the room for bodies shared out and given back to the last byte, however often it is given back?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyRoom, type BodyPlace } from './body-room.js';
import { ProblemError } from '../problems/problem.js';

const typeOf = (act: () => unknown): string => {
  try {
    act();
    return 'taken';
  } catch (error) {
    if (error instanceof ProblemError) return error.type;
    throw error;
  }
};

describe('the room for bodies', () => {
  it('is refused to the one who has much, and to all when there is none', () => {
    const room = new BodyRoom({ all: 30, each: 20 });
    const first = room.take('a', 20);
    expect(typeOf(() => room.take('a', 1))).toBe('quota-exceeded');
    room.take('b', 10);
    expect(typeOf(() => room.take('c', 1))).toBe('replica-busy');
    first.shrink(15);
    expect(typeOf(() => room.take('c', 6))).toBe('replica-busy');
    expect(typeOf(() => room.take('c', 5))).toBe('taken');
    first.giveBack();
    first.giveBack();
    first.shrink(0);
    expect(typeOf(() => room.take('a', 16))).toBe('replica-busy');
    expect(typeOf(() => room.take('a', 15))).toBe('taken');
  });

  it('is whole again once all have given back, in any order', () => {
    const act = fc.record({
      owner: fc.constantFrom('a', 'b', 'c'),
      bytes: fc.integer({ min: 1, max: 40 }),
      shrinks: fc.array(fc.nat({ max: 40 }), { maxLength: 3 }),
      isKept: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(act), (acts) => {
        const room = new BodyRoom({ all: 100, each: 100 });
        const kept: BodyPlace[] = [];
        for (const { owner, bytes, shrinks, isKept } of acts) {
          typeOf(() => {
            const place = room.take(owner, bytes);
            for (const to of shrinks) place.shrink(to);
            if (isKept) kept.push(place);
            else place.giveBack();
          });
        }
        for (const place of kept) place.giveBack();
        expect(typeOf(() => room.take('d', 100))).toBe('taken');
      }),
    );
  });
});
