// Takes the next runs for this replica. It keeps the lanes of its slots that may have work, claims a few runs from each
// in turn, and stops when it holds enough. A hint names the slots to scan at once; a scan of all slots every second
// means that a lost hint costs a second and no run.
import { hasKey, laneKey, type Lane } from '#execution/runs/decisions/lane.js';
import { RunsElsewhere } from './runs-elsewhere.js';
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import type { OwnershipLoop } from '#cluster/slots/ownership-loop.js';
import type { Clock } from '#kernel/clock.js';
import type { Slot } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { ClaimTransaction, type StillToStart, type Taken } from './claim-transaction.js';
import { HintedLook, type Looked } from './hinted-look.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { limitsConcurrency } from '#execution/limits/decisions/lane-rules.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import type { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import type { Occupancy } from '#execution/limits/occupancy.js';
import { LaneScan } from './lane-scan.js';
import type { ClaimSettings } from './claim-settings.js';
import { LaneDoor } from './lane-door.js';
import { LaneQueue, type WaitingLane } from './lane-queue.js';
import { takeLanes } from './lanes-to-serve.js';
import { isStrictLane, StrictKeys } from './strict/strict-keys.js';
import type { LaneWithRules } from './claims/lane.repository.js';

/** How often a replica that distrusts itself checks whether it may trust itself again. */
const CHECK_TRUST_MS = 250;

export interface ClaimOptions {
  settings: ClaimSettings;
  clock: Clock;
  stillToStart: StillToStart;
  /** Runs of due times that are no later than this are never taken back. */
  lateMs: number;
  /** What `held` goes by; this loop keeps them up to date. */
  rules: LaneRulesBook;
  occupancy: Occupancy;
}

export class ClaimLoop implements Loop {
  readonly name = 'claim';
  readonly claimed = new Topic<void>();
  /** No run of these lanes may start any more. */
  readonly paused = new Topic<readonly Lane[]>();
  /** Limits, pauses or the runs elsewhere were read anew: a lane that was closed may be open now. */
  readonly reopened = new Topic<void>();
  readonly door: LaneDoor;
  readonly #lanes = new LaneQueue();
  readonly #elsewhere: RunsElsewhere;
  readonly #hinted = new Set<Slot>();
  readonly #scan: LaneScan;
  readonly #look: HintedLook;
  readonly #claims: ClaimTransaction;
  /** The slots as they were when the runs elsewhere were last counted. */
  #countedFor: ReadonlyMap<Slot, number> | null = null;
  #scannedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly membership: Membership,
    private readonly ownership: OwnershipLoop,
    private readonly held: HeldRuns,
    private readonly options: ClaimOptions,
  ) {
    this.#elsewhere = new RunsElsewhere(options.clock);
    this.#scan = new LaneScan(options.settings, options.clock);
    const [lanes, elsewhere, scan, hinted] = [this.#lanes, this.#elsewhere, this.#scan, this.#hinted];
    const parts = { membership, ownership, held, lanes, elsewhere, scan, hinted, ...options };
    this.door = new LaneDoor(parts);
    this.#look = new HintedLook({ ...parts, door: this.door });
    this.#claims = new ClaimTransaction({ ...parts, door: this.door });
    this.door.entered.subscribe(() => this.#afterTaking());
  }

  onExpelled(): void {
    this.#claims.forget();
    this.#elsewhere.clear();
  }

  onOwnershipChanged(): void {
    const { serving } = this.ownership;
    this.scanEverywhere();
    this.#scan.forget();
    this.#lanes.keepOnly(serving);
    this.options.occupancy.keepOnly(serving);
    this.#giveBackUnserved();
  }

  /** These slots may have new work; an empty list means all slots. */
  hint(slots: readonly Slot[]): void {
    if (slots.length === 0) this.scanEverywhere();
    else for (const slot of slots) this.#hinted.add(slot);
  }

  scanEverywhere(): void {
    this.#scannedAtMs = Number.NEGATIVE_INFINITY;
  }

  async runOnce(): Promise<number> {
    const incarnation = this.membership.trusted();
    if (this.membership.isDraining) return SLEEP_MS;
    if (incarnation === null) return CHECK_TRUST_MS;
    const { serving } = this.ownership;
    const { occupancy } = this.options;
    const parked = occupancy.parked();
    const freed = await this.#elsewhere.refresh(incarnation, { serving, hinted: this.#hinted, parked });
    // A slot whose hand-over was called off has come back in its epoch: its list is still known, and not counted any more.
    if (freed !== null || serving !== this.#countedFor) {
      occupancy.setElsewhere(this.#elsewhere.runs, this.#elsewhere.known);
      if (freed !== null) occupancy.forgetParked(parked);
      occupancy.keepOnly(serving);
      this.#reopen();
      for (const slot of freed ?? []) this.#hinted.add(slot);
      this.#countedFor = serving;
    }
    await this.#scanSlots(incarnation);
    if (this.membership.incarnation !== incarnation) return CHECK_TRUST_MS;
    const room = Math.min(this.held.room() - this.door.entering.size, this.options.settings.runsPerClaim);
    // A settled run makes room and wakes this loop. A pause does neither, so the next scan must come in time to see it.
    if (room <= 0) return this.#untilNextScan();
    const lanes = takeLanes(this.#lanes, {
      room,
      lanesMax: this.options.settings.lanesPerClaim,
      held: this.held,
      rules: this.options.rules,
      strict: new StrictKeys(this.held, occupancy),
    });
    if (lanes.length === 0) return this.#untilNextScan();
    const strict = lanes.filter(isStrictLane);
    const others = lanes.filter((lane) => !isStrictLane(lane));
    if (others.length > 0)
      await this.door.closedTo({ lanes: others }, async () =>
        this.#take(await this.#claims.take(incarnation, others)),
      );
    // After the others: it may wait for a claim that it withdraws.
    if (strict.length > 0) this.#take(await this.#claims.take(incarnation, strict, { isStrict: true }));
    return this.#lanes.size > 0 ? 0 : this.#untilNextScan();
  }

  async #scanSlots(incarnation: Incarnation): Promise<void> {
    const { serving } = this.ownership;
    const everywhere = this.#untilScanEverywhere() <= 0;
    const slots = everywhere ? [...serving.keys()] : [...this.#hinted].filter((slot) => serving.has(slot));
    this.#hinted.clear();
    if (everywhere) this.#scannedAtMs = this.options.clock.monotonicMs();
    const hasLooked =
      !everywhere && (await this.#look.at(incarnation, slots, (looked) => this.#noteLooked(looked)));
    if (this.membership.incarnation !== incarnation) return;
    const found = await this.#scan.scan(incarnation.db, hasLooked ? [] : slots, serving);
    if (found !== null) this.#noteFound(found);
  }

  #noteLooked({ found, ...taken }: Looked): void {
    const done = new Set(taken.from.map(laneKey));
    this.#noteFound(found, (lane) => !done.has(laneKey(lane)));
    this.#take(taken.runs.length > 0 ? taken : null);
  }

  #noteFound(found: readonly LaneWithRules[], isToClaim: (lane: Lane) => boolean = () => true): void {
    this.door.noteRules(found);
    this.#reopen();
    this.#giveBackUnserved();
    const paused = found.filter((lane) => lane.paused && this.held.ofLane(lane) > 0);
    if (paused.length > 0) this.paused.publish(paused);
    this.#lanes.add(found.filter((lane) => !lane.paused && isToClaim(lane)));
  }

  #take(taken: Taken | null): void {
    if (taken === null) return;
    const { runs, from, databaseTimeMs } = taken;
    this.#hold(runs, databaseTimeMs);
    for (const { last, ...lane } of from) if (last !== null) this.held.noteFurthest(lane, last);
    this.#lanes.resume(from.flatMap(stillFull));
    this.#afterTaking();
  }

  #afterTaking(): void {
    this.#giveBackUnserved();
    this.claimed.publish();
  }

  #reopen(): void {
    this.held.reopen();
    this.reopened.publish();
  }

  /**
   * A former owner does not know which runs its successor starts. So it starts no more runs of a limited lane: it gives
   * them back, and the successor stops counting them (I7). It finishes the runs of lanes without limits itself.
   */
  #giveBackUnserved(): void {
    const unserved = [...this.held.lanes()].filter(
      (lane) =>
        !this.ownership.serving.has(lane.slot) &&
        limitsConcurrency(this.options.rules.of(lane), hasKey(lane)),
    );
    if (unserved.length > 0) this.paused.publish(unserved);
  }

  // Counted from when the answer arrived, which is later than the instant that it names: so no run starts before run_at
  // (I6).
  #hold(runs: readonly ClaimedRun[], databaseTimeMs: number): void {
    const nowMs = this.options.clock.monotonicMs();
    this.held.add(runs, (run) => nowMs + Math.max(0, run.runAt.getTime() - databaseTimeMs), nowMs);
  }

  #untilNextScan(): number {
    return Math.max(0, Math.min(this.#untilScanEverywhere(), this.#scan.nextFullScanInMs()));
  }

  #untilScanEverywhere(): number {
    const againMs =
      this.#elsewhere.runs.length === 0
        ? this.options.settings.pollMs
        : Math.min(250, this.options.settings.pollMs);
    return this.#scannedAtMs + againMs - this.options.clock.monotonicMs();
  }
}

/** A lane that gave all that the claim asked for may have more, right behind the last run taken. */
function stillFull({ tenantId, slot, lane, quota, count, last }: Taken['from'][number]): WaitingLane[] {
  return count === quota && last !== null ? [{ tenantId, slot, lane, after: last }] : [];
}
