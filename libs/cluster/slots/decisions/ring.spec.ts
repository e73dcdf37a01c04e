// Does the ring prefer the same replicas everywhere, and change only beside the points of who comes or goes?
import { hash as digest } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildRing, lookup, walk, type HashFunction, type RingMember } from './ring.js';

const sha256: HashFunction = (text) => digest('sha256', text, 'buffer').readUIntBE(0, 6);
const virtualNodes = 16;
const texts = Array.from({ length: 500 }, (_, index) => `text ${index}`);

const memberLists: fc.Arbitrary<RingMember[]> = fc.uniqueArray(
  fc.record({ replica: fc.integer({ min: 1, max: 1_000_000 }), weight: fc.constantFrom(0.5, 1, 2) }),
  { selector: ({ replica }) => replica, minLength: 1, maxLength: 8 },
);

describe('the ring', () => {
  it('gives a text to the replica of the first point at or after its hash, and past the last point to the first', () => {
    const positions: Record<string, number> = {
      '1#0': 10,
      '2#0': 20,
      before: 5,
      on: 10,
      between: 11,
      after: 21,
    };
    const hash: HashFunction = (text) => positions[text] ?? 0;
    const members = [1, 2].map((replica) => ({ replica, weight: 1 }));
    const ring = buildRing(members, { virtualNodes: 1, hash });
    expect(['before', 'on', 'between', 'after'].map((text) => lookup(ring, text))).toEqual([1, 1, 2, 1]);
  });

  it('agrees with a search through all points', () => {
    fc.assert(
      fc.property(memberLists, fc.string(), (members, text) => {
        const ring = buildRing(members, { virtualNodes, hash: sha256 });
        const next = ring.points.find(({ position }) => position >= sha256(text)) ?? ring.points[0];
        expect(lookup(ring, text)).toBe(next?.replica);
      }),
    );
  });

  it('prefers the smaller number where two replicas have a point on the same spot, in whatever order they came', () => {
    const hash: HashFunction = () => 7;
    const members = [3, 1, 2].map((replica) => ({ replica, weight: 1 }));
    expect([...walk(buildRing(members, { virtualNodes, hash }), 0)]).toEqual([1, 2, 3]);
  });

  it('meets every replica of some weight exactly once on a walk, beginning with the owner', () => {
    fc.assert(
      fc.property(memberLists, fc.string(), (members, text) => {
        const ring = buildRing([...members, { replica: 0, weight: 0 }], { virtualNodes, hash: sha256 });
        const met = [...walk(ring, sha256(text))];
        expect(met[0]).toBe(lookup(ring, text));
        expect(met.toSorted((a, b) => a - b)).toEqual(
          members.map(({ replica }) => replica).toSorted((a, b) => a - b),
        );
      }),
    );
  });

  it('takes texts from nobody but the leaver when a replica leaves', () => {
    fc.assert(
      fc.property(memberLists, (members) => {
        const before = buildRing(members, { virtualNodes, hash: sha256 });
        const after = buildRing(members.slice(1), { virtualNodes, hash: sha256 });
        const moved = texts.filter((text) => lookup(before, text) !== lookup(after, text));
        expect(moved).toEqual(texts.filter((text) => lookup(before, text) === members[0]?.replica));
      }),
      { numRuns: 30 },
    );
  });

  it('gives points in proportion to weight, and one at least', () => {
    const members = [0, 0.001, 1, 2.5].map((weight, replica) => ({ replica, weight }));
    const { points } = buildRing(members, { virtualNodes: 128, hash: sha256 });
    expect(members.map(({ replica }) => points.filter((point) => point.replica === replica).length)).toEqual([
      0, 1, 128, 320,
    ]);
  });

  it('belongs to nobody when it is empty', () => {
    expect(lookup(buildRing([], { virtualNodes, hash: sha256 }), 'anything')).toBeNull();
  });
});
