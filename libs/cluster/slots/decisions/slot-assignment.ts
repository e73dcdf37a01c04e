// Who should own which slot? Computed from who owns it now, because every move costs a hand-over.
//
// 1. A slot stays with its owner while that owner is a member of some weight.
// 2. An orphan (a slot without such an owner) goes clockwise on the ring to the first member in need:
//    while a replica is clearly under its fair share to one of those, then to one below its fair share
//    rounded down, then to one below it rounded up. Serving need before the ring leaves no replica behind, so
//    a leave moves the leaver's slots and no others.
// 3. A member that is still clearly under its fair share has just joined. It is filled from the most
//    loaded members, by the slots that prefer it most; no giver falls below its own fair share.
// 4. A replica that owns more than its cap gives up the slots that prefer it least, which become orphans.
//
// Between "clearly under" (0.9 times) and the cap (1.1 times the fair share) nothing moves, so the answer
// to an answer is the same answer. A slot that is being handed over counts as its receiver's: pass the
// target as its current owner, or a half-filled joiner would look filled enough and lose the rest.
import { emptyHoldings, type Holding } from './fair-share.js';
import { buildRing, walk, type HashFunction, type RingMember } from './ring.js';

export interface SlotAssignmentInput {
  slotCount: number;
  /** In any order. Numbers must differ. */
  members: readonly RingMember[];
  /** By slot number. An owner may be a member no more: its slots are orphans. */
  currentOwners: readonly (number | null)[];
  hash: HashFunction;
  /** How many times its fair share a member may own. Rounding up to a whole slot is always allowed. */
  maxLoad?: number;
  virtualNodes?: number;
}

/** Replicas that a slot prefers, best first. */
type Preference = (slot: number) => Iterable<number>;

/**
 * The owner of each slot; all null if no member has any weight. Depends on its input alone, and not on the order of
 * members.
 */
export function assignSlots(input: SlotAssignmentInput): (number | null)[] {
  const { slotCount, members, currentOwners, hash, maxLoad = 1.1, virtualNodes = 128 } = input;
  const holdings = emptyHoldings({ slotCount, members, maxLoad });
  const byReplica = new Map(holdings.map((holding) => [holding.replica, holding]));
  const ring = buildRing(members, { virtualNodes, hash });
  const preference: Preference = (slot) => walk(ring, hash(`slot:${slot}`));

  const orphans: number[] = [];
  for (let slot = 0; slot < slotCount; slot += 1) {
    const owner = byReplica.get(currentOwners[slot] ?? Number.NaN);
    if (owner === undefined) orphans.push(slot);
    else owner.slots.add(slot);
  }
  place(orphans, { byReplica, preference });
  fillScarce(holdings, preference);
  // Only now: filling a joiner has relieved the most loaded, so as a rule nothing is left to shed.
  place(shedExcess(holdings, preference), { byReplica, preference });

  const owners: (number | null)[] = Array.from({ length: slotCount }, () => null);
  for (const { replica, slots } of holdings) for (const slot of slots) owners[slot] = replica;
  return owners;
}

/** Some member is always below its `ceil` while a slot is left, because the fair shares add up to all slots. */
function place(
  orphans: readonly number[],
  { byReplica, preference }: { byReplica: ReadonlyMap<number, Holding>; preference: Preference },
): void {
  const holdings = [...byReplica.values()];
  for (const slot of orphans) {
    const limit = (['scarce', 'floor', 'ceil'] as const).find((name) =>
      holdings.some((holding) => holding.slots.size < holding[name]),
    );
    if (limit === undefined) return;
    for (const replica of preference(slot)) {
      const holding = byReplica.get(replica);
      if (holding === undefined || holding.slots.size >= holding[limit]) continue;
      holding.slots.add(slot);
      break;
    }
  }
}

function fillScarce(holdings: readonly Holding[], preference: Preference): void {
  const scarce = holdings.filter(({ slots, scarce: least }) => slots.size < least);
  for (const receiver of scarce.toSorted(
    (a, b) => a.slots.size - a.fair - (b.slots.size - b.fair) || a.replica - b.replica,
  )) {
    const rank = rankOf(receiver.replica, preference);
    while (receiver.slots.size < receiver.floor) {
      // While one member is below its fair share another is above it: the most loaded gives, and is not below it
      // afterwards.
      const giver = mostLoaded(holdings);
      const slot = giver && best(giver.slots, (candidate) => -rank(candidate));
      if (giver === undefined || slot === undefined) return;
      giver.slots.delete(slot);
      receiver.slots.add(slot);
    }
  }
}

function shedExcess(holdings: readonly Holding[], preference: Preference): number[] {
  return holdings.flatMap(({ replica, slots, cap }) => {
    if (slots.size <= cap) return [];
    const rank = rankOf(replica, preference);
    const shed = [...slots].toSorted((a, b) => rank(b) - rank(a) || a - b).slice(0, slots.size - cap);
    for (const slot of shed) slots.delete(slot);
    return shed;
  });
}

/**
 * A replica over its cap goes before one that is merely well filled: else it would shed slots to a third one later.
 * Then the one with more slots above its fair share goes first.
 */
function mostLoaded(holdings: readonly Holding[]): Holding | undefined {
  const overCap = holdings.filter(({ slots, cap }) => slots.size > cap);
  return best(overCap.length > 0 ? overCap : holdings, ({ slots, fair }) => slots.size - fair);
}

/**
 * When a slot's clockwise walk meets the replica, 0 being first. Remembered, because each giver's slots are compared
 * many times.
 */
function rankOf(replica: number, preference: Preference): (slot: number) => number {
  const ranks = new Map<number, number>();
  return (slot) => {
    const known = ranks.get(slot);
    if (known !== undefined) return known;
    let rank = 0;
    for (const preferred of preference(slot)) {
      if (preferred === replica) break;
      rank += 1;
    }
    ranks.set(slot, rank);
    return rank;
  };
}

/** The item with the highest score, the first among equals: so sets of slots must be filled in a fixed order. */
function best<Item>(items: Iterable<Item>, score: (item: Item) => number): Item | undefined {
  let winner: { item: Item; score: number } | undefined;
  for (const item of items) {
    const points = score(item);
    if (winner === undefined || points > winner.score) winner = { item, score: points };
  }
  return winner?.item;
}
