// Which of the due runs starts next? The tenant that has used the least running time goes first; of its lanes, the one
// whose first run has the lowest rank. A lane that a limit or a pause holds back is set aside until a change could open
// it, so that it costs nothing meanwhile.
import type { TenantId } from '#kernel/ids.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { barrierOf, type Barrier, type LaneRules } from '#execution/limits/decisions/lane-rules.js';
import { overlapping } from '#execution/limits/decisions/overlapping.js';
import { rankOf } from '#execution/runs/decisions/lane.js';
import type { HeldRun } from './held-run.js';
import { LanesToJudge } from './lanes-to-judge.js';
import type { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import { keyOf, type Occupancy } from '#execution/limits/occupancy.js';
import { TenantTurns } from './tenant-turns.js';

interface Lane {
  /** The run to start first stands last. */
  runs: HeldRun[];
  readonly tenantId: TenantId;
  readonly name: string;
  readonly jobType: string;
  /** What a limit counts its runs under; null if they have no concurrency key. */
  readonly key: string | null;
  rules: LaneRules;
  /** Set aside: by a limit or a pause, or by a rate until a moment. */
  closedBy: Barrier | null;
  closedUntilMs: number;
}

export class ReadyLanes {
  readonly #tenants = new Map<TenantId, Map<string, Lane>>();
  readonly #turns = new TenantTurns();
  /** Tenants that have due runs but no turn, because all of them are held back. */
  readonly #heldBack = new Set<TenantId>();
  /** Held-back tenants that have their share of the running capacity, until one of their runs ends. */
  readonly #overShare = new Set<TenantId>();
  /** When a rate lets a held-back tenant start something again. */
  readonly #rated = new Map<TenantId, number>();
  readonly #toJudge = new LanesToJudge<Lane>();

  constructor(
    private readonly book: LaneRulesBook,
    private readonly occupancy: Occupancy,
    /** How many of the tenant's runs may run here at once, given the load. */
    private readonly share: () => number,
  ) {}

  add(held: HeldRun): void {
    const { tenantId } = held.run;
    let lanes = this.#tenants.get(tenantId);
    if (lanes === undefined) this.#tenants.set(tenantId, (lanes = new Map()));
    const name = held.run.lane;
    const known = lanes.get(name);
    const lane = known ?? this.#newLane(held.run);
    if (known === undefined) lanes.set(name, lane);
    lane.runs.splice(placeFor(lane.runs, held), 0, held);
    this.#toJudge.note(lane);
    if (!this.#heldBack.has(tenantId) || known === undefined) this.#enter(tenantId);
  }

  /** Undefined when nothing may start. */
  take(nowMs: number): HeldRun | undefined {
    for (const [tenantId, untilMs] of this.#rated) if (untilMs <= nowMs) this.#enter(tenantId);
    for (let tenantId = this.#turns.take(); tenantId !== undefined; tenantId = this.#turns.take()) {
      const next = this.#takeFrom(tenantId, nowMs);
      if (next !== undefined) return next;
    }
    return undefined;
  }

  /**
   * Takes out the due runs that don't start because another run of their key is running. `replaces` has a run of each key
   * whose running one is to be cancelled.
   */
  takeOverlapping(): { dropped: HeldRun[]; replaces: ClaimedRun[] } {
    const dropped: HeldRun[] = [];
    const replaces: ClaimedRun[] = [];
    for (const lane of this.#toJudge.values()) {
      const run = lane.runs.at(-1)?.run;
      const occupied = run && this.occupancy.of(run);
      // Not known before the runs elsewhere are counted.
      if (occupied === null) continue;
      this.#toJudge.done(lane);
      const { overlap } = lane.rules;
      if (run === undefined || overlap === undefined || occupied === undefined || occupied.byKey === 0)
        continue;
      const judged = overlapping(
        overlap,
        lane.runs.toReversed().map((held) => held.run),
      );
      const ends = new Set(judged.dropped);
      dropped.push(...lane.runs.filter((held) => ends.has(held.run)));
      lane.runs = lane.runs.filter((held) => !ends.has(held.run));
      if (judged.replaces) replaces.push(run);
      this.#dropIfEmpty(lane.tenantId, lane.name);
    }
    return { dropped, replaces };
  }

  /** A run has ended here; runs that it kept from starting may start. */
  ended(held: HeldRun, nowMs: number): void {
    const { weight } = this.book.ofRun(held.run);
    const tookMs = nowMs - held.begunAtMs;
    this.#turns.correct(held.run.tenantId, { charged: held.charged, tookMs, weight });
    this.#makeWay(held.run);
  }

  /** A run that was taken does not start after all: its tenant owes nothing for it. */
  takenBack(held: HeldRun): void {
    this.#turns.refund(held.run.tenantId, held.charged);
    held.charged = 0;
    this.#makeWay(held.run);
  }

  #makeWay(run: ClaimedRun): void {
    const { tenantId, jobType } = run;
    const lanes = this.#tenants.get(tenantId);
    const key = keyOfRun(run);
    for (const lane of lanes?.values() ?? []) {
      const isOfKey = lane.closedBy === 'key' && lane.key === key;
      if (isOfKey || (lane.closedBy === 'job-type' && lane.jobType === jobType)) lane.closedBy = null;
    }
    // A tenant that is not held back stands in the queue already.
    if (this.#heldBack.has(tenantId)) this.#enter(tenantId);
    for (const tenantId of this.#overShare) this.#enter(tenantId);
    this.#overShare.clear();
  }

  /** Limits or the runs elsewhere may have changed: all lanes are checked anew. */
  reopenAll(): void {
    for (const [tenantId, lanes] of this.#tenants) {
      for (const [name, lane] of lanes) {
        lane.rules = this.book.of({ tenantId, lane: name });
        lane.closedBy = null;
        this.#toJudge.note(lane);
      }
      this.#enter(tenantId);
    }
  }

  /** Nothing of the run's lane starts before this moment. */
  closeUntil(run: ClaimedRun, untilMs: number): void {
    const lane = this.#tenants.get(run.tenantId)?.get(run.lane);
    if (lane === undefined) return;
    lane.closedUntilMs = untilMs;
  }

  /** What closed the run's lane until a moment is over. */
  open({ tenantId, lane: name }: ClaimedRun): void {
    const lane = this.#tenants.get(tenantId)?.get(name);
    if (lane === undefined) return;
    lane.closedUntilMs = Number.NEGATIVE_INFINITY;
    this.#enter(tenantId);
  }

  /** When time alone lets something start: in the past if it may start now, infinite if only a change helps. */
  nextAtMs(): number {
    if (this.#heldBack.size < this.#tenants.size) return Number.NEGATIVE_INFINITY;
    return Math.min(...this.#rated.values());
  }

  clear(): void {
    this.#tenants.clear();
    this.#heldBack.clear();
    this.#overShare.clear();
    this.#rated.clear();
    this.#toJudge.clear();
    this.#turns.clear();
  }

  takeWhere(isWanted: (run: ClaimedRun) => boolean): HeldRun[] {
    const taken: HeldRun[] = [];
    for (const [tenantId, lanes] of this.#tenants) {
      for (const [name, lane] of lanes) {
        taken.push(...lane.runs.filter(({ run }) => isWanted(run)));
        lane.runs = lane.runs.filter(({ run }) => !isWanted(run));
        this.#dropIfEmpty(tenantId, name);
      }
    }
    return taken;
  }

  #takeFrom(tenantId: TenantId, nowMs: number): HeldRun | undefined {
    const lanes = this.#tenants.get(tenantId);
    if (lanes === undefined) return undefined;
    if (this.occupancy.here(tenantId) >= this.share()) {
      this.#overShare.add(tenantId);
      return this.#holdBack(tenantId);
    }
    for (let name = bestOf(lanes, nowMs); name !== undefined; name = bestOf(lanes, nowMs)) {
      const lane = lanes.get(name) as Lane; // bestOf() returned one of these names
      const { run } = lane.runs.at(-1) as HeldRun; // and no lane without runs
      const barrier = barrierOf(lane.rules, () => this.occupancy.of(run), run.concurrencyKey !== null);
      if (barrier === 'tenant') return this.#holdBack(tenantId);
      if (barrier === null) return this.#start(tenantId, name, lane);
      lane.closedBy = barrier;
      if (barrier !== 'job-type') continue;
      for (const other of lanes.values()) if (other.jobType === run.jobType) other.closedBy ??= barrier;
    }
    const rated = [...lanes.values()]
      .filter(({ closedBy }) => closedBy === null)
      .map(({ closedUntilMs }) => closedUntilMs);
    if (rated.length > 0) this.#rated.set(tenantId, Math.min(...rated));
    return this.#holdBack(tenantId);
  }

  #start(tenantId: TenantId, name: string, lane: Lane): HeldRun {
    const next = lane.runs.pop() as HeldRun; // lanes without runs are removed
    next.charged = this.#turns.charge(tenantId, lane.rules.weight);
    this.#toJudge.started(lane);
    this.#dropIfEmpty(tenantId, name);
    if (this.#tenants.has(tenantId)) this.#enter(tenantId);
    return next;
  }

  #newLane(run: ClaimedRun): Lane {
    const { tenantId, lane: name, jobType } = run;
    const rules = this.book.of({ tenantId, lane: name });
    const key = keyOfRun(run);
    return {
      runs: [],
      tenantId,
      name,
      jobType,
      key,
      rules,
      closedBy: null,
      closedUntilMs: Number.NEGATIVE_INFINITY,
    };
  }

  #holdBack(tenantId: TenantId): undefined {
    this.#heldBack.add(tenantId);
  }

  #enter(tenantId: TenantId): void {
    if (this.#heldBack.delete(tenantId)) this.#rated.delete(tenantId);
    this.#turns.enter(tenantId);
  }

  #dropIfEmpty(tenantId: TenantId, name: string): void {
    const lanes = this.#tenants.get(tenantId);
    const lane = lanes?.get(name);
    if (lane?.runs.length === 0) {
      lanes?.delete(name);
      this.#toJudge.forget(lane);
    }
    if (lanes?.size !== 0) return;
    this.#tenants.delete(tenantId);
    this.#heldBack.delete(tenantId);
    this.#rated.delete(tenantId);
  }
}

function keyOfRun({ jobType, concurrencyKey }: ClaimedRun): string | null {
  return concurrencyKey === null ? null : keyOf({ jobType, concurrencyKey });
}

function bestOf(lanes: ReadonlyMap<string, Lane>, nowMs: number): string | undefined {
  let best: HeldRun | undefined;
  let found: string | undefined;
  for (const [name, { runs, closedBy, closedUntilMs }] of lanes) {
    const first = runs.at(-1);
    if (closedBy !== null || closedUntilMs > nowMs || first === undefined) continue;
    if (best !== undefined && !goesBefore(first, best)) continue;
    best = first;
    found = name;
  }
  return found;
}

/** Binary search: a lane may hold thousands of runs, and most are added at its worse end. */
function placeFor(lane: readonly HeldRun[], held: HeldRun): number {
  let low = 0;
  let high = lane.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = lane[middle];
    if (other !== undefined && goesBefore(held, other)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function goesBefore(a: HeldRun, b: HeldRun): boolean {
  const [rankA, rankB] = [rankOf(a.run), rankOf(b.run)];
  return rankA < rankB || (rankA === rankB && a.turn < b.turn);
}
