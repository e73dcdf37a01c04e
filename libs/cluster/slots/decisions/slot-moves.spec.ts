// Does every slot come to its wanted owner, with no slot ever taken from a living one?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId, type ReplicaNumber } from '#kernel/ids.js';
import { slotMoves, type SlotMove, type SlotState } from './slot-moves.js';

const [a, b, c, gone] = [1, 2, 3, 9].map(asId.replica) as [
  ReplicaNumber,
  ReplicaNumber,
  ReplicaNumber,
  ReplicaNumber,
];
const alive = new Set([a, b, c]);
const slot = asId.slot(0);

const moveOf = (state: Omit<SlotState, 'slot'>, wanted: ReplicaNumber | null): SlotMove | undefined => {
  const moves = slotMoves({ slots: [{ slot, ...state }], wanted: [wanted], alive });
  expect(moves.length).toBeLessThan(2);
  return moves[0];
};

describe('a slot', () => {
  it.each([
    ['without an owner is given away', { owner: null, target: null }, a, { kind: 'give', to: a }],
    ['of a dead owner is given away', { owner: gone, target: null }, a, { kind: 'give', to: a }],
    [
      'of a dead owner is given away though it was on its way',
      { owner: gone, target: b },
      a,
      { kind: 'give', to: a },
    ],
    [
      'of a dead owner that nobody can take belongs to nobody',
      { owner: gone, target: null },
      null,
      { kind: 'give', to: null },
    ],
    ['of a living owner is asked for', { owner: a, target: null }, b, { kind: 'ask-hand-over', to: b }],
    [
      'on its way to a dead replica gets another target',
      { owner: a, target: gone },
      b,
      { kind: 'ask-hand-over', to: b },
    ],
    ['on its way that is no longer wanted stays', { owner: a, target: b }, a, { kind: 'withdraw' }],
    ['on its way that nobody can take stays', { owner: a, target: b }, null, { kind: 'withdraw' }],
  ] as const)('%s', (_fact, state, wanted, expected) => {
    expect(moveOf(state, wanted)).toEqual({ slot, ...expected });
  });

  it.each([
    ['with its wanted owner', { owner: a, target: null }, a],
    ['on its way to its wanted owner', { owner: a, target: b }, b],
    ['with a living owner, when nobody else can take it', { owner: a, target: null }, null],
    ['without an owner, when nobody can take it', { owner: null, target: null }, null],
  ] as const)('%s is left alone', (_fact, state, wanted) => {
    expect(moveOf(state, wanted)).toBeUndefined();
  });
});

describe('all slots', () => {
  const oneOf = fc.constantFrom;
  // A target is only ever set beside an owner, and cleared when the slot is given away.
  const owned = fc.record({ owner: oneOf(a, b, c, gone), target: oneOf(null, a, b, c, gone) });
  const clusters = fc.array(
    fc
      .tuple(fc.oneof(owned, fc.constant({ owner: null, target: null })), oneOf(null, a, b, c))
      .map(([state, wanted]) => ({ ...state, wanted })),
    { maxLength: 40 },
  );

  const apply = (slots: SlotState[], moves: readonly SlotMove[]): SlotState[] => {
    const bySlot = new Map(moves.map((move) => [move.slot, move]));
    return slots.map((state) => {
      const move = bySlot.get(state.slot);
      if (move === undefined) return state;
      if (move.kind === 'give') return { ...state, owner: move.to, target: null };
      return { ...state, target: move.kind === 'withdraw' ? null : move.to };
    });
  };
  const handOver = (state: SlotState): SlotState =>
    state.target === null ? state : { ...state, owner: state.target, target: null };

  it('come to their wanted owners once those who were asked have handed over, and then nothing moves', () => {
    fc.assert(
      fc.property(clusters, (cluster) => {
        const wanted = cluster.map((state) => state.wanted);
        const slots = cluster.map(({ owner, target }, index) => ({ slot: asId.slot(index), owner, target }));
        const written = apply(slots, slotMoves({ slots, wanted, alive }));
        expect(slotMoves({ slots: written, wanted, alive })).toEqual([]);
        const settled = written.map(handOver);
        for (const [index, { owner, target }] of settled.entries()) {
          expect(target).toBeNull();
          // A living owner keeps a slot for which there is no taker.
          const keeps = wanted[index] === null && owner !== null && alive.has(owner);
          if (!keeps) expect(owner).toBe(wanted[index]);
        }
      }),
    );
  });

  it('of living owners are only ever asked for, never taken', () => {
    fc.assert(
      fc.property(clusters, (cluster) => {
        const slots = cluster.map(({ owner, target }, index) => ({ slot: asId.slot(index), owner, target }));
        const moves = slotMoves({ slots, wanted: cluster.map((state) => state.wanted), alive });
        const given = moves.filter((move) => move.kind === 'give').map((move) => cluster[move.slot]?.owner);
        expect(given.filter((owner) => owner !== null && owner !== gone)).toEqual([]);
      }),
    );
  });
});
