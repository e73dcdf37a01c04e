// What would move if a replica left or joined? The leader's own calculation, on the current slots, without a write.
import type { ReplicaNumber } from '#kernel/ids.js';
import type { HashFunction } from './ring.js';
import { assignSlots } from './slot-assignment.js';

export interface RingPreviewInput {
  currentOwners: readonly (ReplicaNumber | null)[];
  members: readonly { replica: ReplicaNumber; weight: number }[];
  change: { kind: 'leave'; replica: ReplicaNumber } | { kind: 'join'; weight: number };
  hash: HashFunction;
}

export interface RingPreview {
  movedSlots: number;
  /** The newcomer has the next number that would be given. */
  members: { replica: number; weight: number; slotsNow: number; slotsThen: number }[];
}

export function previewRing({ currentOwners, members, change, hash }: RingPreviewInput): RingPreview {
  const numbers = members.map((member) => Number(member.replica));
  const newcomer = Math.max(0, ...numbers) + 1;
  const changed =
    change.kind === 'leave'
      ? members.filter((member) => member.replica !== change.replica)
      : [...members, { replica: newcomer, weight: change.weight }];
  const owners = assignSlots({ slotCount: currentOwners.length, members: changed, currentOwners, hash });
  const weights = new Map<number, number>(
    [...members, ...changed].map(({ replica, weight }) => [replica, weight]),
  );
  return {
    movedSlots: owners.filter((owner, slot) => owner !== currentOwners[slot]).length,
    members: [...weights].map(([replica, weight]) => ({
      replica,
      weight,
      slotsNow: currentOwners.filter((owner) => owner === replica).length,
      slotsThen: owners.filter((owner) => owner === replica).length,
    })),
  };
}
