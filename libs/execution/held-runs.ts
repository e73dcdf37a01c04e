// What does this replica hold in memory? Every run that it has claimed and whose end is not yet in the
// database: waiting for its due time, running, or over and waiting to be written. The number is bounded,
// because what is held here is what others must redo if this process dies. A run that was lost in two
// deaths may be what kills its replicas, so it goes into quarantine: only one such run at a time, and the
// next death tells it from those that were merely beside it.
import type { ClaimId, RunId, TenantId } from '#kernel/ids.js';
import type { ClaimedRun } from './claimed-run.js';
import type { HeldRun } from './held-run.js';
import { ReadyLanes } from './ready-lanes.js';

/** Losses from which on a run is suspected of killing its replicas. */
const QUARANTINE_LOSSES = 2;

export class HeldRuns {
  readonly #runs = new Map<RunId, HeldRun>();
  /** Soonest last, so that taking one is a pop. */
  #waiting: HeldRun[] = [];
  readonly #ready = new ReadyLanes();
  #quarantine: HeldRun[] = [];
  #quarantined: HeldRun | null = null;
  readonly #byTenant = new Map<TenantId, Set<RunId>>();
  readonly #leftInClaim = new Map<ClaimId, number>();
  #running = 0;
  #turns = 0;

  constructor(private readonly limits: { held: number; running: number }) {}

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

  /** Adds one claim's runs; `startAtMs` turns a run's due time into this process's clock. */
  add(runs: readonly ClaimedRun[], startAtMs: (run: ClaimedRun) => number): void {
    for (const run of runs) {
      const held: HeldRun = { run, startAtMs: startAtMs(run), turn: (this.#turns += 1), state: 'waiting' };
      this.#runs.set(run.id, held);
      (isSuspect(held) ? this.#quarantine : this.#waiting).push(held);
      const ofTenant = this.#byTenant.get(run.tenantId);
      if (ofTenant === undefined) this.#byTenant.set(run.tenantId, new Set([run.id]));
      else ofTenant.add(run.id);
      this.#leftInClaim.set(run.claimId, (this.#leftInClaim.get(run.claimId) ?? 0) + 1);
    }
    this.#waiting.sort(soonestLast);
    this.#quarantine.sort(soonestLast);
  }

  /** Undefined for what is not held, or no longer. */
  find(id: RunId): HeldRun | undefined {
    return this.#runs.get(id);
  }

  all(): Iterable<HeldRun> {
    return this.#runs.values();
  }

  /** Takes back one run that has not started; false if it has. Its place is left when its turn comes. */
  withdraw(held: HeldRun): boolean {
    if (held.state !== 'waiting') return false;
    held.state = 'ended';
    return true;
  }

  /** The runs to start now: due, and within what may run at once. They are 'running' from here on. */
  takeDue(nowMs: number): HeldRun[] {
    const due: HeldRun[] = [];
    while (this.#quarantine.at(-1)?.state === 'ended') this.#quarantine.pop();
    const suspect = this.#quarantined === null ? this.#quarantine.at(-1) : undefined;
    if (suspect !== undefined && suspect.startAtMs <= nowMs && this.#running < this.limits.running) {
      this.#quarantined = this.#quarantine.pop() ?? null;
      this.#begin(suspect, due);
    }
    for (
      let next = this.#waiting.at(-1);
      next !== undefined && next.startAtMs <= nowMs;
      next = this.#waiting.at(-1)
    ) {
      this.#waiting.pop();
      if (next.state === 'waiting') this.#ready.add(next);
    }
    while (this.#running < this.limits.running) {
      const next = this.#ready.take();
      if (next === undefined) break;
      if (next.state === 'waiting') this.#begin(next, due);
    }
    return due;
  }

  /** When the next waiting run is due, unless the running ones fill the replica; the past when one is due already. */
  nextStartAtMs(): number | null {
    if (this.#running >= this.limits.running) return null;
    if (!this.#ready.isEmpty) return Number.NEGATIVE_INFINITY;
    const suspect = this.#quarantined === null ? this.#quarantine.at(-1) : undefined;
    const next = Math.min(
      this.#waiting.at(-1)?.startAtMs ?? Number.POSITIVE_INFINITY,
      suspect?.startAtMs ?? Number.POSITIVE_INFINITY,
    );
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  /** Takes back everything that has not started. */
  takeWaiting(): HeldRun[] {
    const waiting = [...this.#waiting, ...this.#ready.takeAll(), ...this.#quarantine].filter(
      ({ state }) => state === 'waiting',
    );
    this.#waiting = [];
    this.#quarantine = [];
    for (const held of waiting) held.state = 'ended';
    return waiting;
  }

  markEnded(held: HeldRun): void {
    // What was dropped with its incarnation counts no more.
    if (this.#runs.get(held.run.id) !== held) return;
    if (held.state === 'running') this.#running -= 1;
    if (held === this.#quarantined) this.#quarantined = null;
    held.state = 'ended';
  }

  /** The run's end is in the database, or was refused there. True when it was the last of its claim. */
  forget(run: ClaimedRun): boolean {
    if (!this.#runs.delete(run.id)) return false;
    const ofTenant = this.#byTenant.get(run.tenantId);
    ofTenant?.delete(run.id);
    if (ofTenant?.size === 0) this.#byTenant.delete(run.tenantId);
    const left = (this.#leftInClaim.get(run.claimId) ?? 1) - 1;
    if (left > 0) this.#leftInClaim.set(run.claimId, left);
    else this.#leftInClaim.delete(run.claimId);
    return left === 0;
  }

  /** How many runs of the claim are still held. */
  leftInClaim(claimId: ClaimId): number {
    return this.#leftInClaim.get(claimId) ?? 0;
  }

  /** What a claim for these tenants must leave out. */
  idsOf(tenants: Iterable<TenantId>): RunId[] {
    return [...tenants].flatMap((tenant) => [...(this.#byTenant.get(tenant) ?? [])]);
  }

  /** Drops everything, because this incarnation's claims are void. */
  clear(): void {
    this.#runs.clear();
    this.#waiting = [];
    this.#ready.takeAll();
    this.#quarantine = [];
    this.#quarantined = null;
    this.#byTenant.clear();
    this.#leftInClaim.clear();
    this.#running = 0;
  }

  #begin(held: HeldRun, due: HeldRun[]): void {
    held.state = 'running';
    this.#running += 1;
    due.push(held);
  }
}

function isSuspect({ run }: HeldRun): boolean {
  return run.losses >= QUARANTINE_LOSSES;
}

function soonestLast(a: HeldRun, b: HeldRun): number {
  return b.startAtMs - a.startAtMs || b.turn - a.turn;
}
