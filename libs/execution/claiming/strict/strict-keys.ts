// Which lanes of keys with a strict order may be claimed from? Those of whose key nothing is held here, in any lane and
// until its end is in the database, and nothing runs elsewhere. So at most one run of such a key is claimed at any time,
// and each claim sees what became of the one before: whether it blocks the key is read by the claim itself.
import type { HeldRuns } from '#execution/held/held-runs.js';
import { keyOf, type Occupancy } from '#execution/limits/occupancy.js';
import { partsOfLane, type Lane } from '#execution/runs/decisions/lane.js';
import { isStrictKey } from '#kernel/keys/key-overlap.js';

/** For one pass over the lanes that wait. */
export class StrictKeys {
  #taken: Set<string> | undefined;

  constructor(
    private readonly held: Pick<HeldRuns, 'lanes'>,
    private readonly occupancy: Pick<Occupancy, 'of'>,
  ) {}

  /** Also true for a lane without a strict order. */
  mayClaim(lane: Lane): boolean {
    const key = strictKeyOf(lane);
    if (key === null) return true;
    // Read once in a pass, and only if such a lane waits.
    this.#taken ??= new Set([...this.held.lanes()].flatMap((held) => strictKeyOf(held) ?? []));
    if (this.#taken.has(key)) return false;
    return this.occupancy.of({ ...lane, ...partsOfLane(lane.lane) })?.byKey === 0;
  }

  /** The next claim takes a run from this lane. */
  noteServed(lane: Lane): void {
    const key = strictKeyOf(lane);
    if (key !== null) this.#taken?.add(key);
  }
}

export function isStrictLane({ lane }: Pick<Lane, 'lane'>): boolean {
  return lane.includes('/overlap/strict/') && isStrictKey(partsOfLane(lane).concurrencyKey);
}

/** What its runs share with those of the key in other queues; null for a lane without a strict order. */
function strictKeyOf(lane: Lane): string | null {
  if (!isStrictLane(lane)) return null;
  const { jobType, concurrencyKey } = partsOfLane(lane.lane);
  return concurrencyKey === null ? null : `${lane.tenantId}/${keyOf({ jobType, concurrencyKey })}`;
}
