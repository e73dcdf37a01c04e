// How far has each lane been emptied? Where an owner took many runs, the head of the lane's index is full of dead
// entries. VACUUM can't remove them while any transaction holds an old snapshot, and each claim from the head walks
// over them again. So the owner marks the rank up to which it has taken everything, and the next claim begins there. A
// run may still appear below the mark: one with a high priority, given back, retried, or committed late. So a mark
// stays a little behind, and holds only until the next full scan (lane-scan.ts), which begins at the heads.
import type { Slot } from '#kernel/ids.js';
import type { TakenFromLane } from './claims/claim.repository.js';
import { laneKey, type Lane, type LanePosition } from '#execution/runs/decisions/lane.js';
import type { MarkedLane, SlotScan } from './claims/lane.repository.js';

interface Entry extends Lane {
  taken: number;
  mark: number | null;
  /** A run may stand below the mark, so the next claim begins at the head. */
  fromHead: boolean;
}

/** Transactions that enqueue do not commit in the order of their clocks, but nearly always within this time of it. */
const BEHIND_MS = 1_000;
const LANES_MAX = 10_000;

export class LaneMarks {
  /** Ordered by when each lane was last claimed from. */
  readonly #entries = new Map<string, Entry>();
  readonly #wornAfter: number;

  /** `wornAfter`: so many runs must have been taken from a lane before a mark pays. */
  constructor(wornAfter: number) {
    this.#wornAfter = wornAfter;
  }

  /** The rank at which to begin a claim; null is the head. */
  markOf(lane: Lane): number | null {
    const entry = this.#entries.get(laneKey(lane));
    return entry === undefined || entry.fromHead || !this.#isWorn(entry) ? null : entry.mark;
  }

  /** The marks of worn lanes in these slots. */
  markedIn(slots: ReadonlySet<Slot>): MarkedLane[] {
    return [...this.#entries.values()].flatMap((entry) => {
      const { slot, tenantId, lane, mark } = entry;
      return slots.has(slot) && mark !== null && this.#isWorn(entry) ? [{ slot, tenantId, lane, mark }] : [];
    });
  }

  /** A scan that answered while the run was on its way may have found others below the mark. */
  noteEntered(lane: Lane, last: LanePosition): void {
    const fromHead = this.#entries.get(laneKey(lane))?.fromHead ?? false;
    this.noteClaimed([lane], [{ count: 1, last }]);
    if (fromHead) this.noteFound([lane]);
  }

  /** Records a claim from these lanes, which began at or behind markOf(), and what it took from each. */
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

  /** Records that a full scan found runs in these lanes, below their marks or above. */
  noteFound(lanes: readonly Lane[]): void {
    for (const lane of lanes) {
      const entry = this.#entries.get(laneKey(lane));
      if (entry !== undefined) entry.fromHead = true;
    }
  }

  /** Drops the marks of slots whose heads are cheap to walk again, or that have another owner now. */
  forget(isForgotten: (slot: Slot) => boolean): void {
    for (const [key, { slot }] of this.#entries) if (isForgotten(slot)) this.#entries.delete(key);
  }

  #isWorn(entry: Entry): boolean {
    return entry.taken >= this.#wornAfter;
  }
}

/** The stretches of the slots that lie between these lanes. */
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

/** As the database compares them: lanes have the collation "C", which compares bytes. */
function inIndexOrder(a: Lane, b: Lane): number {
  if (a.tenantId !== b.tenantId) return a.tenantId < b.tenantId ? -1 : 1;
  return Buffer.compare(Buffer.from(a.lane), Buffer.from(b.lane));
}
