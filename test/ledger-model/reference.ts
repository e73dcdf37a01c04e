// What should the ledger say? A model that a reader can check against docs/SCHEDULES.md: a list of all due times, each
// looked at every second. It has no next due time, no gaps, no plans that are computed, and shares no code with the product.
// A due time is open until something decides it; it is promised once it was planned, and then runs as soon as it is due.
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import { BASE_MS, type Deed, type History, type Witness, type SpecWish } from './history.js';
import { listed, type DueTime } from './listed-due-times.js';
import { GRACE_MS, lostInOutage } from './lost-in-outage.js';

const SECOND_MS = 1_000;
/** Planned so far ahead. */
const AHEAD_MS = 10_000;

interface Answered {
  nowMs: number;
  wasDone: boolean;
}

export class Reference implements Witness {
  /** Of the present spec, the earliest first. */
  #due: DueTime[];
  /** Of former ones. */
  readonly #former: DueTime[] = [];
  #catchUp: CatchUp;
  /** Infinity for a pause without an end. */
  #pausedUntilMs = -Infinity;
  #pausedAtMs = -Infinity;
  /** The last one. */
  #suspension = { fromMs: Infinity, toMs: -Infinity };
  #isDeleted = false;
  #seenMs = BASE_MS;
  /** Each longer than the grace. */
  readonly #outages: { fromMs: number; toMs: number }[] = [];
  /** By how much runs start later than they are due. */
  readonly #laterMs: number;
  /** What was due stays due until its start. */
  readonly #isPutOff: boolean;
  readonly #maxPromised: number;

  constructor({ spec, catchUp, jitter, maxQueued }: History) {
    this.#laterMs = jitter === null ? 0 : Math.floor((jitter.seconds * SECOND_MS * jitter.eighths) / 8);
    this.#isPutOff = jitter !== null;
    this.#maxPromised = maxQueued ?? Infinity;
    this.#catchUp = catchUp;
    this.#due = listed(spec, BASE_MS);
  }

  start(nowMs: number): void {
    if (nowMs - this.#seenMs > GRACE_MS) this.#outages.push({ fromMs: this.#seenMs, toMs: nowMs });
    this.#seenMs = nowMs;
    if (this.#isSuspended()) return;
    for (const due of this.#open()) {
      if (!due.isPromised || due.atMs + this.#laterMs > nowMs) continue;
      due.fate = this.#lostTo(due) ?? (due.isCaughtUp ? 'ran (catch-up)' : 'ran');
    }
  }

  #lostTo(due: DueTime): string | null {
    const startMs = due.atMs + this.#laterMs;
    const outage = this.#outages.find(({ fromMs, toMs }) => fromMs < startMs && startMs < toMs - GRACE_MS);
    if (outage === undefined || due.isCaughtUp) return null;
    return lostInOutage(due, { endMs: outage.toMs, policy: this.#catchUp, all: this.#due });
  }

  act(deed: Deed, nowMs: number, wasDone: boolean): void {
    if (this.#isDeleted) return;
    this.#loseToPause(nowMs);
    switch (deed.kind) {
      case 'nothing':
        return;
      case 'pause':
        return this.#pause(deed.seconds, { nowMs, wasDone });
      case 'resume':
        return this.#resume(deed.catchUp, { nowMs, wasDone });
      case 'skip':
        return this.#skip(deed.count, nowMs);
      case 'spec':
        return this.#giveSpec(deed.spec, nowMs);
      case 'policy':
        this.#catchUp = deed.catchUp;
        return this.#takeBack(nowMs);
      case 'suspend':
        if (!this.#isSuspended()) this.#suspension = { fromMs: nowMs, toMs: Infinity };
        return;
      case 'unsuspend':
        if (!this.#isSuspended()) return;
        this.#loseToSuspension(nowMs);
        this.#suspension.toMs = nowMs;
        return;
      case 'delete':
        this.#end(nowMs, 'missed (schedule deleted)');
        this.#isDeleted = true;
    }
  }

  lead(nowMs: number): void {
    this.#loseToPause(nowMs);
    const passed = this.#open().filter(({ atMs, isPromised }) => atMs <= nowMs && !isPromised);
    for (const due of passed) if (this.#isInSuspension(due)) due.fate = 'skipped (suspended)';
    const recent = passed.filter(({ atMs, fate }) => fate === null && atMs >= nowMs - GRACE_MS);
    this.#promise([...this.#caughtUp(nowMs), ...recent, ...this.#ahead(nowMs)], nowMs);
    if (this.#isSuspended()) this.#loseToSuspension(nowMs);
  }

  /** The soonest, as far as the tenant may have unfinished runs. What has passed without a place is lost. */
  #promise(wanted: readonly DueTime[], nowMs: number): void {
    let left = this.#maxPromised - this.#promised();
    for (const due of wanted) {
      if (left > 0) due.isPromised = true;
      else if (due.atMs > nowMs) return;
      else due.fate = 'skipped (limit)';
      if (!due.isPromised) due.isCaughtUp = false;
      left -= 1;
    }
  }

  #promised(): number {
    return this.#open().filter(({ isPromised }) => isPromised).length;
  }

  ledger(): Map<number, string> {
    const rows = new Map<number, string>();
    for (const { atMs, fate, isPromised, isCaughtUp } of [...this.#former, ...this.#due])
      if (fate !== null || isPromised)
        rows.set(atMs, fate ?? (isCaughtUp ? 'planned (catch-up)' : 'planned'));
    return rows;
  }

  #open(): DueTime[] {
    return this.#due.filter(({ fate }) => fate === null);
  }

  /** What passed while the schedule was paused, whether or not a leader was there to see it. */
  #loseToPause(nowMs: number): void {
    for (const due of this.#open())
      if (!due.isPromised && due.atMs <= nowMs && due.atMs < this.#pausedUntilMs)
        due.fate = 'skipped (paused)';
  }

  #loseToSuspension(nowMs: number): void {
    const fromMs = this.#isPutOff ? this.#suspension.fromMs : -Infinity;
    for (const due of this.#open())
      if (due.isPromised && due.atMs <= nowMs && due.atMs >= fromMs) due.fate = 'skipped (suspended)';
  }

  #takeBack(nowMs: number): void {
    for (const due of this.#open())
      if (!this.#isPutOff || due.atMs > nowMs) due.isPromised = due.isCaughtUp = false;
  }

  /** A pause counts for all that has not started when it begins. */
  #pause(seconds: number | null, { nowMs, wasDone }: Answered): void {
    if (!wasDone) return this.#mustBeOver();
    if (this.#pausedUntilMs <= nowMs) this.#pausedAtMs = nowMs;
    const second = Math.floor(nowMs / SECOND_MS) * SECOND_MS;
    this.#pausedUntilMs = seconds === null ? Infinity : second + seconds * SECOND_MS;
    this.#takeBack(nowMs);
    this.#loseToPause(nowMs);
  }

  #resume(catchUp: boolean, { nowMs, wasDone }: Answered): void {
    if (this.#pausedUntilMs <= nowMs || this.#isSuspended()) return;
    const isRefused = catchUp && this.#catchUp.mode === 'none';
    if (isRefused && wasDone)
      throw new Error('expected a refusal to catch up, got a schedule that is resumed');
    if (isRefused) return;
    const wanted = catchUp ? this.#chosenOfPause(nowMs) : [];
    const isFull = wanted.length > 0 && this.#promised() + wanted.length > this.#maxPromised;
    if (isFull && wasDone) throw new Error('expected a refusal to catch up without places, got a resumption');
    if (isFull) return;
    if (!wasDone) return this.#mustBeOver();
    this.#pausedUntilMs = -Infinity;
    for (const due of wanted) {
      if (due.fate !== 'skipped (paused)') continue;
      due.fate = null;
      due.isPromised = due.isCaughtUp = true;
    }
  }

  /** As after an outage that began with the pause and ends now; what is not chosen stays skipped. */
  #chosenOfPause(nowMs: number): DueTime[] {
    const policy = this.#catchUp;
    if (policy.mode === 'none') return [];
    const notBefore = Math.max(this.#pausedAtMs, nowMs - policy.withinSeconds * SECOND_MS);
    const young = this.#due.filter(({ atMs }) => atMs >= notBefore && atMs <= nowMs);
    return young.slice(policy.mode === 'latest' ? -1 : -policy.max);
  }

  /**
   * A schedule that has nothing left to plan may refuse to be paused or resumed. When that is so depends on how far its
   * leader has come, which is not known here.
   */
  #mustBeOver(): void {
    if (this.#open().some(({ isPromised }) => !isPromised))
      throw new Error('expected a schedule with due times ahead to be paused or resumed, got a refusal');
  }

  #skip(count: number, nowMs: number): void {
    const ahead = this.#open().filter(({ atMs }) => atMs > nowMs);
    for (const due of ahead.slice(0, count)) due.fate = 'skipped (requested)';
  }

  #giveSpec(spec: SpecWish, nowMs: number): void {
    const due = listed(spec, nowMs);
    // One without a due time ahead is refused.
    if (due.length === 0) return;
    this.#end(nowMs, 'missed (schedule changed)');
    this.#due = due;
  }

  /** What is ahead will never be due. */
  #end(nowMs: number, fate: string): void {
    for (const due of this.#open()) {
      const isPaused = due.atMs < this.#pausedUntilMs;
      due.fate = isPaused ? 'skipped (paused)' : this.#isInSuspension(due) ? 'skipped (suspended)' : fate;
    }
    this.#former.push(...this.#due.filter(({ atMs }) => atMs <= nowMs));
    this.#due = [];
  }

  #isSuspended(): boolean {
    return this.#suspension.toMs === Infinity;
  }

  #isInSuspension({ atMs }: DueTime): boolean {
    return atMs >= this.#suspension.fromMs && atMs < this.#suspension.toMs;
  }

  /** What is older than ten seconds and was not planned passed in an outage. */
  #caughtUp(nowMs: number): DueTime[] {
    const recentMs = nowMs - GRACE_MS;
    const behind = this.#open().filter(({ atMs, isPromised }) => atMs < recentMs && !isPromised);
    const [first] = behind;
    if (first === undefined) return [];
    const { chosen, rest } = this.#judge(
      this.#due.filter(({ atMs }) => atMs >= first.atMs && atMs < recentMs),
      nowMs,
    );
    for (const due of behind) {
      due.isCaughtUp = chosen.includes(due);
      if (!due.isCaughtUp) due.fate = rest;
    }
    return behind.filter(({ isCaughtUp }) => isCaughtUp);
  }

  /** What was skipped on request counts as a due time like the others: nothing runs in its place. */
  #judge(behind: readonly DueTime[], nowMs: number): { chosen: readonly DueTime[]; rest: string } {
    if (this.#isSuspended()) return { chosen: [], rest: 'missed (suspended)' };
    const policy = this.#catchUp;
    if (policy.mode === 'none') return { chosen: [], rest: 'missed (no catch-up)' };
    const notBefore = Math.max(
      nowMs - policy.withinSeconds * SECOND_MS,
      this.#pausedUntilMs,
      this.#suspension.toMs,
    );
    const young = behind.filter(({ atMs }) => atMs >= notBefore);
    if (policy.mode === 'all') {
      const isLimited = young.length > policy.max;
      return {
        chosen: young.slice(-policy.max),
        rest: isLimited ? 'missed (catch-up limit)' : 'missed (catch-up window)',
      };
    }
    const coalesced = 'coalesced (outage)';
    if (this.#due.some((due) => this.#isStandingIn(due, nowMs))) return { chosen: [], rest: coalesced };
    return { chosen: young.slice(-1), rest: young.length > 0 ? coalesced : 'missed (catch-up window)' };
  }

  /** A later one that runs anyway, or that a request has skipped. */
  #isStandingIn(due: DueTime, nowMs: number): boolean {
    const { atMs, fate } = due;
    const isHeld = fate === 'skipped (paused)' || atMs < this.#pausedUntilMs || this.#isInSuspension(due);
    return atMs <= nowMs && atMs >= nowMs - GRACE_MS && !isHeld;
  }

  /** Nothing is planned behind one that may yet be resumed. */
  #ahead(nowMs: number): DueTime[] {
    const throughMs = nowMs + AHEAD_MS;
    if (this.#isSuspended() || throughMs < this.#pausedUntilMs) return [];
    const ahead = this.#open().filter(({ atMs }) => atMs > nowMs && atMs <= throughMs);
    const heldAt = ahead.findIndex(({ atMs }) => atMs < this.#pausedUntilMs);
    return (heldAt < 0 ? ahead : ahead.slice(0, heldAt)).filter(({ isPromised }) => !isPromised);
  }
}
