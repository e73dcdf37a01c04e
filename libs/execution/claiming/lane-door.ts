// May a run be claimed as it is inserted, without a claim that finds it in its lane? Only where the claim loop might claim
// from the lane, and knows of nothing that waits there. Neither takes what the other may be taking: a lane from which
// a claim is on its way is closed, and each claim leaves out the runs that are entering.
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import type { OwnershipLoop } from '#cluster/slots/ownership-loop.js';
import { EnteringRuns, type EnteringRun } from '#execution/held/entering-runs.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import type { LaneRules } from '#execution/limits/decisions/lane-rules.js';
import type { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { laneKey, rankUsOf, type Lane, type LanePosition } from '#execution/runs/decisions/lane.js';
import type { Clock } from '#kernel/clock.js';
import type { RunId, Slot } from '#kernel/ids.js';
import { Topic } from '#kernel/topic.js';
import type { LaneQueue, WaitingLane } from './lane-queue.js';
import { rulesOf, type LaneScan } from './lane-scan.js';
import type { LaneWithRules } from './claims/lane.repository.js';
import type { RunsElsewhere } from './runs-elsewhere.js';

/** What a run that enters must know of its lane. */
export interface LaneEntry {
  /** The epoch of the slot's ownership for which the runs elsewhere were read. */
  epoch: number;
  /** The rank in milliseconds from which on none may wait; null is the head. */
  mark: number | null;
}

/** Each run that enters is compared with those that another replica has in hand. */
const ELSEWHERE_MAX = 100;

interface DoorParts {
  membership: Membership;
  ownership: OwnershipLoop;
  held: HeldRuns;
  rules: LaneRulesBook;
  lanes: LaneQueue;
  elsewhere: RunsElsewhere;
  scan: LaneScan;
  /** Slots that are to be scanned. */
  hinted: ReadonlySet<Slot>;
  clock: Clock;
}

export class LaneDoor {
  /** Runs are held that have entered. */
  readonly entered = new Topic<void>();
  /** Lanes are closed no longer. */
  readonly opened = new Topic<void>();
  readonly entering = new EnteringRuns();
  readonly #closed = new Set<string>();
  readonly #closedSlots = new Set<Slot>();
  /** Lanes of entering runs whose rules were read after these were sent. */
  readonly #readAnew = new Set<string>();

  constructor(private readonly parts: DoorParts) {}

  /** Null where the run is to wait in the table. */
  entryTo(lane: Lane): LaneEntry | null {
    const { elsewhere, ownership, hinted, lanes, rules, scan } = this.parts;
    const epoch = elsewhere.epochOf(lane.slot);
    if (epoch === undefined || ownership.serving.get(lane.slot) !== epoch) return null;
    if (elsewhere.claimed > ELSEWHERE_MAX) return null;
    if (hinted.has(lane.slot) || lanes.has(lane) || this.isClosed(lane)) return null;
    return rules.of(lane).paused ? null : { epoch, mark: scan.markOf(lane) };
  }

  /** Acts while no run may enter these lanes, or any lane of these slots. */
  async closedTo<Value>(
    { lanes = [], slots = [] }: { lanes?: readonly Lane[]; slots?: readonly Slot[] },
    act: () => Promise<Value>,
  ): Promise<Value> {
    for (const lane of lanes) this.#closed.add(laneKey(lane));
    for (const slot of slots) this.#closedSlots.add(slot);
    return act().finally(() => {
      this.#closed.clear();
      this.#closedSlots.clear();
      this.opened.publish();
    });
  }

  /** Whether a claim from the lane is on its way. */
  isClosed(lane: Lane): boolean {
    return this.#closedSlots.has(lane.slot) || this.#closed.has(laneKey(lane));
  }

  /** A scan has read the rules of these lanes. */
  noteRules(found: readonly LaneWithRules[]): void {
    const { rules, held, lanes } = this.parts;
    const { entering } = this;
    // Those of lanes that were found, are held, wait or are entered are asked for, and of no others.
    rules.keepOnly((lane) => held.ofLane(lane) > 0 || lanes.has(lane) || entering.ofLane(lane) > 0);
    for (const lane of found) {
      rules.note(lane, rulesOf(lane));
      if (entering.ofLane(lane) > 0) this.#readAnew.add(laneKey(lane));
    }
  }

  /** It is held, or it waits in the table like any other, or it was not inserted. */
  leave(run: Lane & EnteringRun): void {
    this.entering.remove(run);
    if (this.#readAnew.size > 0 && this.entering.ofLane(run) === 0) this.#readAnew.delete(laneKey(run));
  }

  /** The runs that may be in these lanes, behind where a claim would begin, and wait for no claim. */
  inHand(lanes: readonly WaitingLane[]): RunId[] {
    return [
      ...this.parts.held.idsBehind(lanes),
      ...this.entering.idsIn(lanes),
      ...this.parts.elsewhere.idsIn(new Set(lanes.map((lane) => lane.slot))),
    ];
  }

  /** The runs that may be in these slots and wait for no claim. */
  inHandOf(slots: ReadonlySet<Slot>): RunId[] {
    const { held, elsewhere } = this.parts;
    return [...held.ids(), ...this.entering.ids(), ...elsewhere.idsIn(slots)];
  }

  /** Holds runs that their insert has claimed and that are due, under the rules that it has proved. */
  enter(incarnation: Incarnation, entered: readonly { run: ClaimedRun; rules: LaneRules }[]): void {
    const { membership, rules: book, held, scan, clock } = this.parts;
    if (entered.length === 0 || membership.incarnation !== incarnation) return;
    for (const { run, rules } of entered) if (!this.#readAnew.has(laneKey(run))) book.note(run, rules);
    const runs = entered.map(({ run }) => run);
    const nowMs = clock.monotonicMs();
    held.add(runs, () => nowMs, nowMs);
    for (const run of runs) {
      const last = positionOf(run);
      held.noteFurthest(run, last);
      scan.noteEntered(run, last);
    }
    this.entered.publish();
  }
}

/** Not before its own: the instant is finer than a Date, and no claim that begins behind it may find the run. */
function positionOf({ id, runAt, priority }: ClaimedRun): LanePosition {
  return { rankUs: rankUsOf({ atMs: runAt.getTime() + 1, priority }), id };
}
