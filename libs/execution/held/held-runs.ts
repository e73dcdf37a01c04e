// What does this replica hold in memory? Every run that it has claimed and whose end is not yet in the database:
// waiting for its due time, running, or over and waiting to be settled. The number is bounded, because other replicas
// must redo all of it if this process dies. A tenant that holds or runs much leaves room for one that comes with a
// single run.
import type { ClaimId, RunId, TenantId } from '#kernel/ids.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { Lane, LanePosition, LaneName } from '#execution/runs/decisions/lane.js';
import { HeldIndex } from './held-index.js';
import { HeldAccounts, type LaneAccount } from './held-accounts.js';
import { soonestLast, type HeldRun } from './held-run.js';
import { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import { Occupancy } from '#execution/limits/occupancy.js';
import { isSuspect, Quarantine } from './quarantine.js';
import { ReadyLanes } from './ready-lanes.js';

/** One tenant may hold this many times the free room, alone 4/5 of all: a dynamic threshold (Choudhury, Hahne, ToN 1998). */
const HELD_SHARE = 4;
/** This part of the running capacity is kept for tenants that run less than this here. */
const RESERVE = 0.1;

export class HeldRuns {
  readonly #runs = new HeldIndex();
  /** Soonest last, so that taking one is a pop. */
  #waiting: HeldRun[] = [];
  readonly #ready: ReadyLanes;
  readonly #quarantine: Quarantine;
  readonly #accounts = new HeldAccounts();
  #running = 0;
  #turns = 0;

  constructor(
    private readonly limits: { held: number; running: number },
    rules = new LaneRulesBook(),
    private readonly occupancy = new Occupancy(),
  ) {
    this.#quarantine = new Quarantine(rules, occupancy);
    this.#ready = new ReadyLanes(rules, occupancy, () => this.#share());
  }

  get size(): number {
    return this.#runs.size;
  }

  get running(): number {
    return this.#running;
  }

  /** How many more runs may be claimed. */
  room(): number {
    return this.limits.held - this.#runs.size;
  }

  /** How many more of them may belong to this tenant. */
  roomFor(tenantId: TenantId): number {
    return HELD_SHARE * this.room() - this.#accounts.ofTenant(tenantId);
  }

  /** How many more runs of a limited job type may be held: never all that its tenant may hold, so that others go on. */
  roomForLimited(lane: Pick<Lane, 'tenantId' | 'lane'>): number {
    const held = this.#accounts.ofJobType(lane);
    // Each run taken makes the room smaller, and the tenant's and the job type's part larger.
    return Math.floor((this.roomFor(lane.tenantId) - held) / (HELD_SHARE + 2));
  }

  /** How many runs of the lane are held. */
  ofLane(lane: Pick<Lane, 'tenantId' | 'lane'>): number {
    return this.#accounts.find(lane)?.held ?? 0;
  }

  /** Whether runs of the lane may wait for locks that came with them. */
  hasOwnLocks(lane: LaneName): boolean {
    return this.#accounts.find(lane)?.hasOwnLocks ?? false;
  }

  /** The lanes with held runs. */
  lanes(): Iterable<Lane> {
    return this.#accounts.lanes();
  }

  /** Adds one claim's runs. `startAtMs` converts a run's due time to this process's clock, whose present is `nowMs`. */
  add(runs: readonly ClaimedRun[], startAtMs: (run: ClaimedRun) => number, nowMs = -Infinity): void {
    let account: LaneAccount | undefined;
    for (const run of runs) {
      // The runs of a lane come together.
      if (account?.lane !== run.lane || account.tenantId !== run.tenantId) account = this.#accounts.open(run);
      const held: HeldRun = {
        run,
        account,
        startAtMs: startAtMs(run),
        turn: (this.#turns += 1),
        state: 'waiting',
        begunAtMs: 0,
        charged: 0,
        isUnwanted: false,
      };
      this.#runs.add(held);
      if (isSuspect(held)) this.#quarantine.add(held);
      else if (held.startAtMs <= nowMs) this.#ready.add(held);
      else this.#waiting.push(held);
      this.#accounts.add(account);
      if ((run.ownLocks ?? null) !== null) account.hasOwnLocks = true;
    }
    this.#waiting.sort(soonestLast);
  }

  /** Records the position of the last run that a claim took from the lane. */
  noteFurthest(lane: Lane, position: LanePosition): void {
    this.#accounts.noteFurthest(lane, position);
  }

  /** False for one whose end is in the database, or that was dropped together with its incarnation. */
  has(held: HeldRun): boolean {
    return this.#runs.has(held);
  }

  /** In no order, and a copy. */
  all(): HeldRun[] {
    return this.#runs.values();
  }

  /** Takes back one run that has not started; false if it has. */
  withdraw(held: HeldRun): boolean {
    return held.state === 'waiting' && this.takeWaiting(({ id }) => id === held.run.id).length > 0;
  }

  /** The runs to start now: due, and within the running capacity. They are 'running' from here on. */
  takeDue(nowMs: number): HeldRun[] {
    const due: HeldRun[] = [];
    const suspect = this.#quarantine.next();
    if (suspect !== undefined && suspect.startAtMs <= nowMs && this.#running < this.limits.running) {
      this.#quarantine.begin(suspect);
      due.push(this.#begin(suspect, nowMs));
    }
    for (const held of this.#takeDueWaiting(nowMs)) this.#ready.add(held);
    while (this.#running < this.limits.running) {
      const next = this.#ready.take(nowMs);
      if (next === undefined) break;
      due.push(this.#begin(next, nowMs));
    }
    return due;
  }

  /** After `takeDue`: the due runs that don't start because another run of their key is running. */
  takeOverlapping(): ReturnType<ReadyLanes['takeOverlapping']> {
    const taken = this.#ready.takeOverlapping();
    for (const held of taken.dropped) held.state = 'ended';
    return taken;
  }

  /** When the next waiting run is due: in the past if one is due already, null if none waits or no more may run. */
  nextStartAtMs(): number | null {
    if (this.#running >= this.limits.running) return null;
    const startOf = (held: HeldRun | undefined): number => held?.startAtMs ?? Number.POSITIVE_INFINITY;
    const waitingMs = Math.min(startOf(this.#waiting.at(-1)), startOf(this.#quarantine.next()));
    const next = Math.min(this.#ready.nextAtMs(), waitingMs);
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  /** Removes the runs that have not started. */
  takeWaiting(isWanted: (run: ClaimedRun) => boolean = () => true): HeldRun[] {
    const taken = this.#waiting.filter(({ run }) => isWanted(run));
    taken.push(...this.#quarantine.takeWhere(isWanted), ...this.#ready.takeWhere(isWanted));
    this.#waiting = this.#waiting.filter(({ run }) => !isWanted(run));
    for (const held of taken) held.state = 'ended';
    return taken;
  }

  markEnded(held: HeldRun, nowMs = held.begunAtMs): void {
    // A run that was dropped together with its incarnation counts no more.
    if (!this.#runs.has(held)) return;
    if (held.state === 'running') {
      this.#makeWay(held);
      this.#ready.ended(held, nowMs);
    }
    held.state = 'ended';
  }

  /** It was parked; its limits go on counting it. */
  markParked(held: HeldRun, nowMs: number): void {
    if (this.#runs.has(held)) this.occupancy.leave(held.run);
    this.markEnded(held, nowMs);
  }

  /** Takes back a start that did not happen: nothing of the lane starts before this moment. */
  postpone(held: HeldRun, untilMs: number): void {
    if (!this.#runs.has(held) || held.state !== 'running') return;
    this.#makeWay(held);
    this.#ready.takenBack(held);
    held.state = 'waiting';
    if (isSuspect(held)) {
      held.startAtMs = untilMs;
      this.#quarantine.add(held);
    } else {
      this.#ready.add(held);
      this.#ready.closeUntil(held.run, untilMs);
    }
  }

  /** What a run was postponed for is over: its lane may start. */
  open(held: HeldRun): void {
    if (isSuspect(held)) this.#quarantine.open(held);
    else this.#ready.open(held.run);
  }

  /** Limits, pauses or the runs elsewhere may have changed. */
  reopen(): void {
    this.#ready.reopenAll();
  }

  /** The run's end is in the database, or was refused there. */
  forget(run: ClaimedRun): void {
    this.occupancy.noteParked(run);
    const held = this.#runs.take(run);
    if (held !== undefined) this.#accounts.remove(held.account);
  }

  /** Whether exactly this claimed run is held, and not only another one with its id. */
  holds(run: ClaimedRun): boolean {
    return this.#runs.find(run) !== undefined;
  }

  /** How many runs of the claim are still held. */
  leftInClaim(claimId: ClaimId): number {
    return this.#runs.leftInClaim(claimId);
  }

  /** The held runs that a claim must leave out if it begins at these positions: those that may stand behind them. */
  idsBehind(lanes: readonly (LaneName & { after: LanePosition | null })[]): RunId[] {
    const touched = new Set(lanes.flatMap((lane) => this.#accounts.findBehind(lane) ?? []));
    if (touched.size === 0) return []; // the usual case, when lanes resume where they ended
    return this.#runs.values().flatMap(({ run, account }) => (touched.has(account) ? [run.id] : []));
  }

  ids(): RunId[] {
    return this.#runs.values().map(({ run }) => run.id);
  }

  /** Drops everything, because this incarnation's claims are void. */
  clear(): void {
    this.#runs.clear();
    this.#waiting = [];
    this.#ready.clear();
    this.#quarantine.clear();
    this.#accounts.clear();
    this.occupancy.clear();
    this.#running = 0;
  }

  #share(): number {
    const reserve = Math.floor(RESERVE * this.limits.running);
    return this.limits.running - this.#running > reserve ? Number.POSITIVE_INFINITY : reserve;
  }

  #takeDueWaiting(nowMs: number): HeldRun[] {
    const waits = this.#waiting.findLastIndex(({ startAtMs }) => startAtMs > nowMs);
    return this.#waiting.splice(waits + 1).toReversed();
  }

  #begin(held: HeldRun, nowMs: number): HeldRun {
    held.state = 'running';
    held.begunAtMs = nowMs;
    this.#running += 1;
    this.occupancy.begin(held.run);
    return held;
  }

  #makeWay(held: HeldRun): void {
    this.#quarantine.end(held);
    this.#running -= 1;
    this.occupancy.end(held.run);
  }
}
