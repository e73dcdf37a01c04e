// How many slots is a member due, and how far from that may it be? Fair shares are fractions and slots are not, so each
// share comes with the whole numbers around it. Between `scarce` and `cap` a member is left alone.
import type { RingMember } from './ring.js';

/** A member's share and the slots it has been given so far. */
export interface Holding {
  readonly replica: number;
  readonly fair: number;
  /** Below this many slots it is clearly under its fair share. */
  readonly scarce: number;
  readonly floor: number;
  readonly ceil: number;
  readonly cap: number;
  readonly slots: Set<number>;
}

export interface FairShareInput {
  slotCount: number;
  members: readonly RingMember[];
  /** How many times its fair share a member may own. */
  maxLoad: number;
}

/** By replica number, without the members of weight 0. The shares add up to all slots. */
export function emptyHoldings({ slotCount, members, maxLoad }: FairShareInput): Holding[] {
  // Sorted before the sum: with floating-point numbers it depends on the order of the members.
  const carrying = members.filter(({ weight }) => weight > 0).toSorted((a, b) => a.replica - b.replica);
  const totalWeight = carrying.reduce((sum, { weight }) => sum + weight, 0);
  return carrying.map(({ replica, weight }) => {
    const fair = (slotCount * weight) / totalWeight;
    const floor = Math.floor(fair);
    const ceil = Math.ceil(fair);
    const cap = Math.max(ceil, Math.floor(maxLoad * fair));
    // As far below the fair share as the cap is above it; but a member that is due a whole slot and has none is under
    // it.
    const scarce = Math.min(floor, Math.max(1, Math.floor((2 - maxLoad) * fair)));
    return { replica, fair, scarce, floor, ceil, cap, slots: new Set() };
  });
}
