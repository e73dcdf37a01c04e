// Finds the lanes of our slots that may have work. A full scan walks from head to head through all lanes of a slot.
// Where many runs were taken, it steps over their dead index entries for as long as a transaction holds an old
// snapshot. When that takes long, the next scans begin at the marks of worn lanes (lane-marks.ts) and may miss runs
// below them. Each slot scanned that way is owed a full scan, which follows soon.
import type { Database } from '#database/connection.js';
import type { Clock } from '#kernel/clock.js';
import type { Slot } from '#kernel/ids.js';
import { partsOfLane, type Lane, type LanePosition } from '#execution/runs/decisions/lane.js';
import { withKeyOverlap, type LaneRules } from '#execution/limits/decisions/lane-rules.js';
import { discoverLanes, type LaneWithRules } from './claims/lane.repository.js';
import type { TakenFromLane } from './claims/claim.repository.js';
import type { LookedAt } from './claims/look-and-claim.repository.js';
import { isCheapScan, scanPauseMs } from './decisions/scan-pause.js';
import { LaneMarks, scansBetween } from './lane-marks.js';

export interface ScanSettings {
  /** Lanes of one slot found by one scan; the next scan continues behind them. */
  lanesPerScan: number;
  /** How many runs a claim must have taken from a lane before its mark pays. */
  wornAfter: number;
}

interface Look {
  sinceMs: number;
  limit: number;
}

export class LaneScan {
  readonly #marks: LaneMarks;
  /** For slots with more lanes than one scan finds: the last lane found. */
  readonly #scannedUpTo = new Map<Slot, Lane>();
  /** Slots that wanted a scan and have had no full one since. */
  readonly #owed = new Set<Slot>();
  #fullScanFromMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly settings: ScanSettings,
    private readonly clock: Clock,
  ) {
    this.#marks = new LaneMarks(settings.wornAfter);
  }

  /** Milliseconds until the full scan that slots are owed; infinite when no slot is owed one. */
  nextFullScanInMs(): number {
    return this.#owed.size === 0 ? Number.POSITIVE_INFINITY : this.#fullScanFromMs - this.clock.monotonicMs();
  }

  /** The lanes with runs in these slots, or in slots that are owed a full scan; null when there is nothing to scan. */
  async scan(
    db: Database,
    slots: readonly Slot[],
    serving: { has(slot: Slot): boolean },
  ): Promise<LaneWithRules[] | null> {
    this.owe(slots);
    for (const slot of this.#owed) if (!serving.has(slot)) this.#owed.delete(slot);
    if (this.#owed.size === 0) return null;
    if (this.#isFullOf(this.#owed)) return this.#scanInFull(db);
    if (slots.length === 0) return null;
    const limit = this.settings.lanesPerScan;
    const marked = this.#marks.markedIn(new Set(slots));
    return discoverLanes(db, { scans: scansBetween(slots, marked), marked, limit });
  }

  /** Whether a scan of these slots would begin at their heads, and walk through no others. */
  wouldLookAt(slots: readonly Slot[]): boolean {
    if (slots.some((slot) => this.#scannedUpTo.has(slot))) return false;
    return this.#isFullOf(new Set(slots)) && [...this.#owed].every((slot) => slots.includes(slot));
  }

  /** These slots want a scan. */
  owe(slots: readonly Slot[]): void {
    for (const slot of slots) this.#owed.add(slot);
  }

  /** A look at these slots found at most `limit` lanes of each: where there may be more, a scan is owed. */
  noteLooked(slots: readonly Slot[], { found, claimed, tookMs }: LookedAt, { sinceMs, limit }: Look): void {
    const bySlot = Map.groupBy(found, ({ slot }) => slot);
    const whole = new Set(slots.filter((slot) => (bySlot.get(slot)?.length ?? 0) < limit));
    for (const slot of whole) this.#owed.delete(slot);
    this.#marks.noteFound(found);
    this.#noteFullScan(whole, sinceMs, tookMs);
    this.noteClaimed(claimed, claimed);
  }

  /** The rank at which to begin a claim; null is the lane's head. */
  markOf(lane: Lane): number | null {
    return this.#marks.markOf(lane);
  }

  noteClaimed(lanes: readonly Lane[], taken: readonly TakenFromLane[]): void {
    this.#marks.noteClaimed(lanes, taken);
  }

  /** A run of this lane was claimed as it was inserted, and none waited before it. */
  noteEntered(lane: Lane, last: LanePosition): void {
    this.#marks.noteEntered(lane, last);
  }

  /** Our slots have changed. Until a lost slot comes back, its next owners may put runs back below any mark. */
  forget(): void {
    this.#marks.forget(() => true);
    this.#scannedUpTo.clear();
  }

  #isFullOf(slots: ReadonlySet<Slot>): boolean {
    return this.#fullScanFromMs <= this.clock.monotonicMs() || this.#marks.markedIn(slots).length === 0;
  }

  async #scanInFull(db: Database): Promise<LaneWithRules[]> {
    const slots = new Set(this.#owed);
    const startMs = this.clock.monotonicMs();
    try {
      const found = await this.#discover(db, [...slots]);
      for (const slot of slots) this.#owed.delete(slot);
      this.#marks.noteFound(found);
      return found;
    } finally {
      this.#noteFullScan(slots, startMs, this.clock.monotonicMs() - startMs);
    }
  }

  #noteFullScan(slots: ReadonlySet<Slot>, sinceMs: number, tookMs: number): void {
    this.#fullScanFromMs = sinceMs + tookMs + scanPauseMs(tookMs);
    if (isCheapScan(tookMs)) this.#marks.forget((slot) => slots.has(slot));
  }

  async #discover(db: Database, slots: readonly Slot[]): Promise<LaneWithRules[]> {
    const limit = this.settings.lanesPerScan;
    const scans = slots.map((slot) => ({ slot, after: this.#scannedUpTo.get(slot) ?? null }));
    const found = await discoverLanes(db, { scans, limit });
    const bySlot = Map.groupBy(found, (lane) => lane.slot);
    for (const slot of slots) {
      const lanes = bySlot.get(slot) ?? [];
      const last = lanes.at(-1);
      if (last !== undefined && lanes.length === limit) this.#scannedUpTo.set(slot, last);
      else this.#scannedUpTo.delete(slot);
    }
    return found;
  }
}

export function rulesOf({ lane, paused, weight, tenant, jobType, locks }: LaneWithRules): LaneRules {
  const rules: LaneRules = { paused, weight: weight ?? 1, tenant: tenant ?? {}, jobType: jobType ?? {} };
  if (locks !== null) rules.locks = locks;
  return withKeyOverlap(rules, partsOfLane(lane).concurrencyKey);
}
