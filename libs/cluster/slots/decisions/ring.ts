// Which replica comes first clockwise from a point? Every replica puts many points (virtual nodes) on a
// circle; a text belongs to the replica of the first point at or after its own hash. A replica's points
// depend on nothing but its number and weight, so a replica that joins or leaves shifts only the arcs beside its
// own points. The ring only says whom to prefer: how much a replica may own is slot-assignment's question.
//
// The text behind each point is part of the format: changing it moves nearly every slot of a running
// cluster. slot-assignment.vectors.json would fail.

/** A safe integer of at least 0 that depends on the text alone. In production the first 48 bits of its SHA-256. */
export type HashFunction = (text: string) => number;

export interface RingMember {
  replica: number;
  /** How much it can carry compared with others: 2 carries twice as much as 1, 0 nothing (drained). */
  weight: number;
}

export interface RingOptions {
  /** Points of a replica of weight 1. */
  virtualNodes: number;
  hash: HashFunction;
}

interface Point {
  position: number;
  replica: number;
}

export interface Ring {
  readonly hash: HashFunction;
  /** In clockwise order. */
  readonly points: readonly Point[];
}

/** The order of the members does not matter; a member of weight 0 gets no point, any other at least one. */
export function buildRing(members: readonly RingMember[], { virtualNodes, hash }: RingOptions): Ring {
  const points = members.flatMap(({ replica, weight }) => {
    const count = weight > 0 ? Math.max(1, Math.round(virtualNodes * weight)) : 0;
    return Array.from({ length: count }, (_, index) => ({ position: hash(`${replica}#${index}`), replica }));
  });
  // Two points on one spot: the smaller number goes first, so that every replica draws the same ring.
  points.sort((a, b) => a.position - b.position || a.replica - b.replica);
  return { hash, points };
}

/** The replica that the text belongs to, or null on an empty ring. */
export function lookup(ring: Ring, text: string): number | null {
  for (const replica of walk(ring, ring.hash(text))) return replica;
  return null;
}

/** Every replica of the ring once, in the order in which a clockwise walk from the position meets them. */
export function* walk(ring: Ring, position: number): Generator<number, void> {
  const { points } = ring;
  const start = firstAtOrAfter(points, position);
  const met = new Set<number>();
  for (let step = 0; step < points.length; step += 1) {
    const point = points[(start + step) % points.length];
    if (point === undefined || met.has(point.replica)) continue;
    met.add(point.replica);
    yield point.replica;
  }
}

function firstAtOrAfter(points: readonly Point[], position: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const point = points[middle];
    if (point !== undefined && point.position < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
