// Does the assignment keep its promises (balance, few moves, the same answer in every replica) from any state?
import { createHash, hash as digest } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildRing, lookup, type HashFunction, type RingMember } from './ring.js';
import { assignSlots } from './slot-assignment.js';

const slotCount = 1024;
type Owners = (number | null)[];
const nobody: Owners = Array.from({ length: slotCount }, () => null);

// Remembered, because the properties ask for the same few thousand texts again and again.
const remembered = new Map<string, number>();
const sha256: HashFunction = (text) => {
  const known = remembered.get(text) ?? digest('sha256', text, 'buffer').readUIntBE(0, 6);
  remembered.set(text, known);
  return known;
};

const assign = (members: readonly RingMember[], currentOwners: Owners): Owners =>
  assignSlots({ slotCount, members, currentOwners, hash: sha256 });
const replicas = (count: number): RingMember[] =>
  Array.from({ length: count }, (_, index) => ({ replica: index + 1, weight: 1 }));
const loadOf = (owners: Owners, replica: number): number =>
  owners.filter((owner) => owner === replica).length;
const moves = (before: Owners, after: Owners): number[] =>
  [...before.keys()].filter((slot) => before[slot] !== after[slot]);

function fairShare(members: readonly RingMember[], member: RingMember): number {
  return (slotCount * member.weight) / members.reduce((sum, { weight }) => sum + weight, 0);
}

/** Every slot has a live owner, no replica is overloaded or forgotten, and asking again changes nothing. */
function expectGood(members: readonly RingMember[], owners: Owners): void {
  expect(owners).toHaveLength(slotCount);
  const live = new Set(members.filter(({ weight }) => weight > 0).map(({ replica }) => replica));
  expect(owners.filter((owner) => owner === null || !live.has(owner))).toEqual(live.size === 0 ? nobody : []);
  for (const member of live.size === 0 ? [] : members) {
    const fair = fairShare(members, member);
    const load = loadOf(owners, member.replica);
    expect(load).toBeLessThanOrEqual(Math.max(Math.ceil(fair), 1.1 * fair));
    expect(load).toBeGreaterThanOrEqual(Math.floor(0.9 * fair));
  }
  expect(assign(members, owners)).toEqual(owners);
}

const weights = fc.constantFrom(1, 1, 2, 4);
const memberLists = fc.uniqueArray(
  fc.record({ replica: fc.integer({ min: 1, max: 60 }), weight: fc.constantFrom(0, 1, 1, 2, 4) }),
  {
    selector: ({ replica }) => replica,
    maxLength: 12,
  },
);
const formerOwners = fc.record({
  owners: fc.array(fc.option(fc.integer({ min: 1, max: 60 })), { minLength: 1, maxLength: 64 }),
  runLength: fc.integer({ min: 1, max: 200 }),
});

/** Runs of slots with one owner each, over and over: small to print when a property fails. */
function spread({ owners, runLength }: { owners: Owners; runLength: number }): Owners {
  return nobody.map((_, slot) => owners[Math.floor(slot / runLength) % owners.length] ?? null);
}

describe('assignSlots', () => {
  it('keeps its promises from any members and any former owners', () => {
    fc.assert(
      fc.property(memberLists, formerOwners, (members, former) => {
        expectGood(members, assign(members, spread(former)));
      }),
      { numRuns: 100 },
    );
  });

  it('does not depend on the order of the members', () => {
    const shuffled = fc
      .uniqueArray(
        fc.record({ replica: fc.integer({ min: 1, max: 60 }), weight: fc.constantFrom(0.1, 0.2, 0.3, 0.7) }),
        {
          selector: ({ replica }) => replica,
          minLength: 2,
          maxLength: 12,
        },
      )
      .chain((members) =>
        fc.tuple(fc.constant(members), fc.shuffledSubarray(members, { minLength: members.length })),
      );
    fc.assert(
      fc.property(shuffled, ([members, others]) => {
        const before = assign(members.slice(1), nobody);
        expect(assign(others, nobody)).toEqual(assign(members, nobody));
        expect(assign(others, before)).toEqual(assign(members, before));
      }),
      { numRuns: 60 },
    );
  });

  it('moves the orphans alone when a replica leaves, to the joiner alone when one joins, through any sequence', () => {
    const step = fc.record({ joins: fc.boolean(), pick: fc.nat(), weight: weights });
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 25 }), (steps) => {
        let members: RingMember[] = [];
        let owners = nobody;
        steps.forEach(({ joins, pick, weight }, index) => {
          const leaver = joins ? undefined : members[pick % Math.max(1, members.length)];
          const joiner = { replica: index + 1, weight };
          const before = owners;
          members =
            leaver === undefined ? [...members, joiner] : members.filter((member) => member !== leaver);
          owners = assign(members, before);
          expectGood(members, owners);
          const moved = moves(before, owners);
          if (leaver !== undefined) {
            expect(moved).toEqual([...before.keys()].filter((slot) => before[slot] === leaver.replica));
          } else {
            expect(moved.filter((slot) => owners[slot] !== joiner.replica)).toEqual([]);
            expect(moved.length).toBeLessThanOrEqual(Math.ceil(fairShare(members, joiner)));
          }
        });
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('moves no more than rendezvous hashing does, but for chance', () => {
    const rendezvous = (members: readonly RingMember[]): Owners =>
      nobody.map((_, slot) =>
        members
          .map(({ replica }) => replica)
          .reduce((best, next) => (score(next, slot) > score(best, slot) ? next : best)),
      );
    const score = (replica: number, slot: number): number => sha256(`rendezvous ${replica} ${slot}`);
    for (const count of [2, 3, 5, 10, 50]) {
      const [members, more, fewer] = [replicas(count), replicas(count + 1), replicas(count).slice(1)];
      const owners = assign(members, nobody);
      // Rendezvous moves a fair share give or take three times its standard deviation; ours never moves more than one
      // rounded up.
      const slack = 3 * Math.sqrt(slotCount / count);
      for (const changed of [more, fewer]) {
        const limit = moves(rendezvous(members), rendezvous(changed)).length + slack;
        expect(moves(owners, assign(changed, owners)).length).toBeLessThanOrEqual(limit);
      }
    }
  });

  it('hands the slots of a replaced replica to its replacement and touches nobody else', () => {
    const owners = assign(replicas(5), nobody);
    const after = assign([...replicas(5).slice(1), { replica: 6, weight: 1 }], owners);
    expect(after).toEqual(owners.map((owner) => (owner === 1 ? 6 : owner)));
  });

  it('gives a joiner first of all slots that the ring would give it', () => {
    const owners = assign(replicas(4), nobody);
    const given = moves(owners, assign(replicas(5), owners));
    const ring = buildRing(replicas(5), { virtualNodes: 128, hash: sha256 });
    expect(given.filter((slot) => lookup(ring, `slot:${slot}`) === 5).length).toBeGreaterThan(
      0.8 * given.length,
    );
  });

  it('drains a replica whose weight drops to 0, and fills it again when it comes back', () => {
    const owners = assign(replicas(4), nobody);
    const drained = assign([{ replica: 1, weight: 0 }, ...replicas(4).slice(1)], owners);
    expect(loadOf(drained, 1)).toBe(0);
    expect(loadOf(assign(replicas(4), drained), 1)).toBe(256);
  });

  it('lets owners be while they are within a tenth of their fair share', () => {
    const owners = nobody.map((_, slot) => (slot < 281 ? 1 : 2 + (slot % 3)));
    expect(assign(replicas(4), owners)).toEqual(owners);
    const overloaded = nobody.map((_, slot) => (slot < 282 ? 1 : 2 + (slot % 3)));
    expect(moves(overloaded, assign(replicas(4), overloaded))).toHaveLength(1);
  });

  it('relieves an overloaded owner first, so that a joiner is the only one who receives', () => {
    const owners = [
      ...Array.from({ length: 109 }, () => 1),
      ...Array.from({ length: 320 }, () => 2),
      ...Array.from({ length: 371 }, () => 3),
    ];
    const members = [1, 3, 4, 0.08].map((weight, index) => ({ replica: index + 1, weight }));
    const after = assignSlots({ slotCount: 800, members, currentOwners: owners, hash: sha256 });
    expect(moves(owners, after).map((slot) => after[slot])).toEqual(Array.from({ length: 7 }, () => 4));
    expect(loadOf(after, 1)).toBe(108);
  });

  it('gives a joiner its slot even where its fair share is hardly more than one', () => {
    const owners = assignSlots({ slotCount: 21, members: replicas(19), currentOwners: [], hash: sha256 });
    expect(
      loadOf(assignSlots({ slotCount: 21, members: replicas(20), currentOwners: owners, hash: sha256 }), 20),
    ).toBe(1);
  });

  it('has no owner to name without members', () => {
    expect(assign([], assign(replicas(2), nobody))).toEqual(nobody);
  });

  it('leaves replicas empty-handed only where there are fewer slots than replicas', () => {
    const owners = assignSlots({
      slotCount: 3,
      members: replicas(5),
      currentOwners: [null, null, null],
      hash: sha256,
    });
    expect(new Set(owners).size).toBe(3);
    expect(owners).not.toContain(null);
  });
});

interface Vectors {
  slotCount: number;
  cases: { name: string; steps: RingMember[][]; first16: Owners; sha256: string }[];
}

describe('the published vectors of the assignment', () => {
  // Our own file beside this spec, so its shape is known.
  const vectors = JSON.parse(
    readFileSync(new URL('slot-assignment.vectors.json', import.meta.url), 'utf8'),
  ) as Vectors;

  it.each(vectors.cases)('hold for $name', ({ steps, first16, sha256: expected }) => {
    const owners = steps.reduce((current, members) => assign(members, current), nobody);
    expect(owners.slice(0, 16)).toEqual(first16);
    expect(createHash('sha256').update(owners.join(',')).digest('hex')).toBe(expected);
  });
});
