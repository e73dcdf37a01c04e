// How even is the ring, and how much moves when a replica joins or leaves? Prints a table for 3, 5, 10 and 50
// replicas, from the leader's own calculation, beside rendezvous hashing.
import { assignSlots } from '#cluster/slots/decisions/slot-assignment.js';
import { placementHash } from '#database/runtime/hash.js';

const SLOT_COUNT = 1_024;
const SIZES = [3, 5, 10, 50];

interface Member {
  replica: number;
  weight: number;
}

export function ringTable(): string {
  const header = [
    'replicas',
    'max/fair',
    'min/fair',
    'join moves',
    '(ideal)',
    'leave moves',
    '(ideal)',
    'rendezvous: max/fair',
    'join',
    'leave',
  ];
  return [header, ...SIZES.map(rowFor)]
    .map((cells) => cells.map((cell, column) => cell.padStart(widthOf(header, column))).join('  '))
    .join('\n');
}

function rowFor(size: number): string[] {
  const members = membersUpTo(size);
  const owners = assign(members, []);
  const joined = assign(membersUpTo(size + 1), owners);
  const left = assign(members.slice(1), owners);
  const byRendezvous = rendezvous(members);
  const fair = SLOT_COUNT / size;
  return [
    String(size),
    (Math.max(...loads(owners, size)) / fair).toFixed(3),
    (Math.min(...loads(owners, size)) / fair).toFixed(3),
    String(moved(owners, joined)),
    (SLOT_COUNT / (size + 1)).toFixed(1),
    String(moved(owners, left)),
    fair.toFixed(1),
    (Math.max(...loads(byRendezvous, size)) / fair).toFixed(3),
    String(moved(byRendezvous, rendezvous(membersUpTo(size + 1)))),
    String(moved(byRendezvous, rendezvous(members.slice(1)))),
  ];
}

function widthOf(header: readonly string[], column: number): number {
  return Math.max(8, header[column]?.length ?? 0);
}

function membersUpTo(size: number): Member[] {
  return Array.from({ length: size }, (_, index) => ({ replica: index + 1, weight: 1 }));
}

function assign(members: Member[], currentOwners: (number | null)[]): (number | null)[] {
  return assignSlots({ slotCount: SLOT_COUNT, members, currentOwners, hash: placementHash });
}

function rendezvous(members: readonly Member[]): number[] {
  return Array.from({ length: SLOT_COUNT }, (_, slot) => {
    const ranked = members.map(({ replica }) => ({ replica, rank: placementHash(`${replica}/${slot}`) }));
    return ranked.reduce((best, next) => (next.rank > best.rank ? next : best)).replica;
  });
}

function loads(owners: readonly (number | null)[], size: number): number[] {
  return membersUpTo(size).map(({ replica }) => owners.filter((owner) => owner === replica).length);
}

function moved(before: readonly (number | null)[], after: readonly (number | null)[]): number {
  return before.filter((owner, slot) => owner !== after[slot]).length;
}
