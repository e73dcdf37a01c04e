// Which runs does this replica take next? It keeps lanes for the tenants of its slots that may have work,
// takes a few runs from each in turn, and stops when it holds enough. Hints say where to look at once;
// a look at all slots every second makes hints a matter of speed only.
import { asReplica } from '#cluster/fences.js';
import { ForeignRuns } from './foreign-runs.js';
import type { Incarnation, Membership } from '#cluster/membership.js';
import type { OwnershipLoop } from '#cluster/ownership-loop.js';
import { randomUUID } from '#database/runtime/uuid.js';
import type { Clock } from '#kernel/clock.js';
import { asId, type Slot } from '#kernel/ids.js';
import { UNTIL_WOKEN_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { claimRuns, discoverLanes, type Lane } from './claim.repository.js';
import { laneOf, type ClaimedRun } from './claimed-run.js';
import type { HeldRuns } from './held-runs.js';
import { LaneQueue } from './lane-queue.js';

export interface ClaimSettings {
  /** How often all slots are looked at. */
  pollMs: number;
  /** Runs due this soon are claimed, too. Longer than pollMs, so that a planned run is held before it is due. */
  aheadMs: number;
  /** Lanes served by one claim. */
  lanesPerClaim: number;
  /** Runs taken by one claim. */
  runsPerClaim: number;
}

export const DEFAULT_CLAIM_SETTINGS: ClaimSettings = {
  pollMs: 1_000,
  aheadMs: 1_500,
  lanesPerClaim: 100,
  runsPerClaim: 500,
};

/** How often to look whether the lease is sure again. */
const DISTRUST_MS = 250;

export class ClaimLoop implements Loop {
  readonly name = 'claim';
  readonly claimed = new Topic<void>();
  readonly #lanes = new LaneQueue();
  readonly #foreign: ForeignRuns;
  readonly #hinted = new Set<Slot>();
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly membership: Membership,
    private readonly ownership: OwnershipLoop,
    private readonly held: HeldRuns,
    private readonly options: { settings: ClaimSettings; clock: Clock },
  ) {
    this.#foreign = new ForeignRuns(options.clock);
    membership.expelled.subscribe(() => this.#foreign.clear());
    ownership.changed.subscribe(() => this.lookEverywhere());
  }

  /** There may be new work in these slots. */
  hint(slots: readonly Slot[]): void {
    if (slots.length === 0) this.lookEverywhere();
    else for (const slot of slots) this.#hinted.add(slot);
  }

  lookEverywhere(): void {
    this.#lookedAtMs = Number.NEGATIVE_INFINITY;
  }

  async runOnce(): Promise<number> {
    const incarnation = this.membership.trusted();
    if (this.membership.isDraining) return UNTIL_WOKEN_MS;
    if (incarnation === null) return DISTRUST_MS;
    await this.#foreign.refresh(incarnation, this.ownership.serving);
    await this.#look(incarnation);
    const room = Math.min(this.held.room(), this.options.settings.runsPerClaim);
    // What ends makes room and wakes this loop.
    if (room <= 0) return UNTIL_WOKEN_MS;
    const lanes = this.#lanes.take(Math.min(this.options.settings.lanesPerClaim, room));
    if (lanes.length > 0) await this.#claim(incarnation, lanes, Math.floor(room / lanes.length));
    return this.#lanes.size > 0 ? 0 : this.#untilNextLook();
  }

  async #look(incarnation: Incarnation): Promise<void> {
    const serving = this.ownership.serving;
    const everywhere = this.#untilNextLook() <= 0;
    const slots = everywhere ? [...serving.keys()] : [...this.#hinted].filter((slot) => serving.has(slot));
    this.#hinted.clear();
    this.#lanes.keepOnly(serving);
    if (everywhere) this.#lookedAtMs = this.options.clock.monotonicMs();
    if (slots.length > 0) this.#lanes.add(await discoverLanes(incarnation.db, slots));
  }

  async #claim(incarnation: Incarnation, lanes: readonly Lane[], quota: number): Promise<void> {
    const request = {
      claimId: asId.claim(randomUUID()),
      replica: incarnation.replica,
      lanes: lanes.flatMap((lane) => {
        const epoch = this.#foreign.epochOf(lane.slot);
        return epoch === undefined ? [] : [{ ...lane, quota, epoch }];
      }),
      excluded: [
        ...this.held.idsOf(lanes.map((lane) => lane.tenantId)),
        ...this.#foreign.idsIn(new Set(lanes.map((lane) => lane.slot))),
      ],
      aheadMs: this.options.settings.aheadMs,
    };
    const result = await asReplica(incarnation.db, incarnation, (tx) => claimRuns(tx, request));
    if (result.kind === 'fenced') return this.membership.acceptDeath(incarnation);
    const { runs, databaseTime } = result.value;
    if (databaseTime === null || this.membership.incarnation !== incarnation) return;
    this.#hold(runs, databaseTime);
    this.#lanes.add(stillFull(lanes, runs, quota));
    this.claimed.publish();
  }

  // Counted from the answer's arrival, which is later than the instant it names: so never before run_at (I6).
  #hold(runs: readonly ClaimedRun[], databaseTime: Date): void {
    const nowMs = this.options.clock.monotonicMs();
    this.held.add(runs, (run) => nowMs + Math.max(0, run.runAt.getTime() - databaseTime.getTime()));
  }

  #untilNextLook(): number {
    const againMs = this.#foreign.isEmpty
      ? this.options.settings.pollMs
      : Math.min(250, this.options.settings.pollMs);
    return Math.max(0, this.#lookedAtMs + againMs - this.options.clock.monotonicMs());
  }
}

/** Lanes that gave all they were asked for may have more. */
function stillFull(lanes: readonly Lane[], runs: readonly ClaimedRun[], quota: number): Lane[] {
  const counts = new Map<string, number>();
  for (const run of runs) {
    const key = `${run.tenantId}/${laneOf(run)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return lanes.filter((lane) => counts.get(`${lane.tenantId}/${lane.lane}`) === quota);
}
