// How far has each lane been emptied? Where many runs were taken, the head of the lane's index is full of dead entries,
// which VACUUM can't clear away while any transaction holds an old snapshot, and which each claim from the head
// would walk over again. So an owner remembers, for the lanes from which it has taken much, up to which rank it has
// taken everything, and begins there. Runs may appear below the mark all the same: with a high priority, given back,
// tried again, or committed late. A mark therefore stays a little behind, and is only good until the next full look
// (claim-loop.ts), which begins at the heads.
import type { Slot } from '#kernel/ids.js';
import type { TakenFromLane } from './claim.repository.js';
import { laneKey, type Lane } from '#execution/runs/decisions/lane.js';
import type { MarkedLane, SlotScan } from './lane.repository.js';

interface Entry extends Lane {
  taken: number;
  mark: number | null;
  /** Something may be below the mark: the next claim begins at the head. */
  fromHead: boolean;
}

/** Transactions that enqueue commit in another order than that of their clocks, by less than this nearly always. */
const BEHIND_MS = 1_000;
const LANES_MAX = 10_000;

export class LaneMarks {
  /** In the order in which they were last claimed from. */
  readonly #entries = new Map<string, Entry>();
  readonly #wornAfter: number;

  /** `wornAfter`: so many runs must have been taken from a lane before a mark is worth its while. */
  constructor(wornAfter: number) {
    this.#wornAfter = wornAfter;
  }

  /** From which rank to claim; null is the head. */
  markOf(lane: Lane): number | null {
    const entry = this.#entries.get(laneKey(lane));
    return entry === undefined || entry.fromHead || !this.#isWorn(entry) ? null : entry.mark;
  }

  /** The worn lanes of these slots. */
  markedIn(slots: ReadonlySet<Slot>): MarkedLane[] {
    return [...this.#entries.values()].flatMap((entry) => {
      const { slot, tenantId, lane, mark } = entry;
      return slots.has(slot) && mark !== null && this.#isWorn(entry) ? [{ slot, tenantId, lane, mark }] : [];
    });
  }

  /** A claim was made from these lanes as markOf() said, or behind it, and this is what it found in each. */
  noteClaimed(lanes: readonly Lane[], taken: readonly TakenFromLane[]): void {
    for (const [index, lane] of lanes.entries()) {
      const key = laneKey(lane);
      const { count = 0, last = null } = taken[index] ?? {};
      const before = this.#entries.get(key);
      if (before === undefined && last === null) continue;
      const from = this.markOf(lane);
      const { slot, tenantId } = lane;
      this.#entries.delete(key);
      this.#entries.set(key, {
        slot,
        tenantId,
        lane: lane.lane,
        taken: (before?.taken ?? 0) + count,
        mark:
          last === null
            ? (before?.mark ?? null)
            : Math.max(from ?? -Infinity, Math.floor(last.rankUs / 1_000) - BEHIND_MS),
        fromHead: false,
      });
    }
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= LANES_MAX) break;
      this.#entries.delete(key);
    }
  }

  /** A full look has found runs in these lanes, below their marks or above. */
  noteFound(lanes: readonly Lane[]): void {
    for (const lane of lanes) {
      const entry = this.#entries.get(laneKey(lane));
      if (entry !== undefined) entry.fromHead = true;
    }
  }

  /** The heads of these slots' lanes cost nothing to walk over, or are another owner's now. */
  forget(isForgotten: (slot: Slot) => boolean): void {
    for (const [key, { slot }] of this.#entries) if (isForgotten(slot)) this.#entries.delete(key);
  }

  #isWorn(entry: Entry): boolean {
    return entry.taken >= this.#wornAfter;
  }
}

/** The parts of the slots that lie between these lanes. */
export function scansBetween(slots: readonly Slot[], lanes: readonly Lane[]): SlotScan[] {
  const bySlot = Map.groupBy(lanes.toSorted(inIndexOrder), ({ slot }) => slot);
  return slots.flatMap((slot) => {
    const marked = bySlot.get(slot) ?? [];
    const scans = marked.map((lane, index): SlotScan => ({
      slot,
      after: marked[index - 1] ?? null,
      before: lane,
    }));
    return [...scans, { slot, after: marked.at(-1) ?? null }];
  });
}

/** As the database compares them: lanes have the collation "C", which goes by bytes. */
function inIndexOrder(a: Lane, b: Lane): number {
  if (a.tenantId !== b.tenantId) return a.tenantId < b.tenantId ? -1 : 1;
  return Buffer.compare(Buffer.from(a.lane), Buffer.from(b.lane));
}
