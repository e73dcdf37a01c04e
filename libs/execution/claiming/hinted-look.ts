// Are the slots that a hint names looked at and claimed from in one message? Where little is in hand and no lane waits for
// a claim: then what is found there probably came alone, and may be taken without weighing it against others. Lanes that
// this leaves to a claim are found beside it.
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import { isNotCallable } from '#database/error-kind.js';
import { randomUUID } from '#database/runtime/uuid.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import type { Clock } from '#kernel/clock.js';
import { asId, type Slot } from '#kernel/ids.js';
import type { ClaimSettings } from './claim-settings.js';
import type { LaneDoor } from './lane-door.js';
import type { LaneQueue } from './lane-queue.js';
import type { LaneScan } from './lane-scan.js';
import type { LaneWithRules } from './claims/lane.repository.js';
import type { RunsElsewhere } from './runs-elsewhere.js';
import type { Taken } from './claim-transaction.js';
import { lookAndClaim, type LookedAt } from './claims/look-and-claim.repository.js';

const SLOTS_MAX = 16;
/** Where a slot has as many lanes, a scan of its own goes on behind them. */
const LANES_FOUND_MAX = 20;
const LANES_CLAIMED_MAX = 20;
/** A lane that gives all of these may hold more: a claim goes on with it. */
const RUNS_OF_LANE = 10;
/** Their ids are sent, and each run found is compared with them. */
const IN_HAND_MAX = 100; // with those taken fewer than WORTH_BESIDE_OWN_LOCKS

interface LookParts {
  membership: Membership;
  held: HeldRuns;
  lanes: LaneQueue;
  elsewhere: RunsElsewhere;
  scan: LaneScan;
  door: LaneDoor;
  settings: Pick<ClaimSettings, 'aheadMs'>;
  clock: Clock;
  lateMs: number;
}

/** The lanes from which it claimed, as far as there was anything to claim, are those that the runs are from. */
export interface Looked extends Taken {
  found: readonly LaneWithRules[];
}

export class HintedLook {
  constructor(private readonly parts: LookParts) {}

  /** Has what it took held before any run enters. False when the slots are to be scanned. */
  async at(
    incarnation: Incarnation,
    slots: readonly Slot[],
    hold: (looked: Looked) => void,
  ): Promise<boolean> {
    const { scan, door, membership, clock } = this.parts;
    if (!this.#mayLook(slots)) return false;
    scan.owe(slots);
    const sinceMs = clock.monotonicMs();
    return door.closedTo({ slots }, async () => {
      const looked = await this.#send(incarnation, slots);
      if (looked === 'fenced') membership.acceptDeath(incarnation);
      if (looked === 'fenced' || looked === null || membership.incarnation !== incarnation) return false;
      scan.noteLooked(slots, looked, { sinceMs, limit: LANES_FOUND_MAX });
      const { found, claimed, runs, databaseTimeMs } = looked;
      hold({ found, runs, from: claimed.map((each) => ({ ...each, quota: RUNS_OF_LANE })), databaseTimeMs });
      return true;
    });
  }

  #mayLook(slots: readonly Slot[]): boolean {
    const { held, lanes, elsewhere, scan, door } = this.parts;
    if (slots.length === 0 || slots.length > SLOTS_MAX || lanes.size > 0) return false;
    if (held.size + door.entering.size + elsewhere.claimed > IN_HAND_MAX) return false;
    // Then no tenant would hold more than its share.
    if (this.#lanesToClaim() < 1 || held.room() < held.size) return false;
    return slots.every((slot) => elsewhere.epochOf(slot) !== undefined) && scan.wouldLookAt(slots);
  }

  /** All that they may give is half of the room. */
  #lanesToClaim(): number {
    const { held, door } = this.parts;
    const room = held.room() - door.entering.size;
    return Math.min(LANES_CLAIMED_MAX, Math.floor(room / 2 / RUNS_OF_LANE));
  }

  async #send(incarnation: Incarnation, slots: readonly Slot[]): Promise<LookedAt | 'fenced' | null> {
    const { elsewhere, door, settings, lateMs } = this.parts;
    const request = {
      claimId: asId.claim(randomUUID()),
      slots: slots.map((slot) => ({ slot, epoch: elsewhere.epochOf(slot) ?? -1 })),
      excluded: door.inHandOf(new Set(slots)),
      lanesFound: LANES_FOUND_MAX,
      lanesClaimed: this.#lanesToClaim(),
      runsOfLane: RUNS_OF_LANE,
      aheadMs: settings.aheadMs,
      lateMs,
    };
    try {
      return (await lookAndClaim(incarnation.db, incarnation, request)) ?? 'fenced';
    } catch (error) {
      // For reasons that last, and of which scans and claims know nothing.
      if (isNotCallable(error)) return null;
      throw error;
    }
  }
}
