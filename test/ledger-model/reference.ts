// What should the ledger say? A model that a reader can check against docs/SCHEDULES.md: a list of all due times, each
// looked at every second. It has no next due time, no gaps, no plans that are computed, and shares no code with the product.
// A due time is open until something decides it; it is promised once it was planned, and then runs as soon as it is due.
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import { BASE_MS, type Deed, type History, type Witness, type SpecWish } from './history.js';
import { listed, type DueTime } from './listed-due-times.js';

const SECOND_MS = 1_000;
/** Planned so far ahead. */
const AHEAD_MS = 10_000;
/** What passed no longer ago is only late. */
const GRACE_MS = 10_000;

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

  constructor({ spec, catchUp }: History) {
    this.#catchUp = catchUp;
    this.#due = listed(spec, BASE_MS);
  }

  start(nowMs: number): void {
    const seenMs = this.#seenMs;
    this.#seenMs = nowMs;
    if (this.#isSuspended()) return;
    for (const due of this.#open()) {
      if (!due.isPromised || due.atMs > nowMs) continue;
      const isOfOutage = due.atMs > seenMs && due.atMs < nowMs - GRACE_MS && !due.isCaughtUp;
      const lost = isOfOutage ? this.#lostInOutage(due, nowMs) : null;
      due.fate = lost ?? (due.isCaughtUp ? 'ran (catch-up)' : 'ran');
    }
  }

  /** One that was promised before the outage that ends now, and that the policy would not catch up on. */
  #lostInOutage({ atMs }: DueTime, nowMs: number): string | null {
    const policy = this.#catchUp;
    if (policy.mode === 'none') return 'missed (no catch-up)';
    const later = this.#due.filter((due) => due.atMs > atMs && due.atMs <= nowMs);
    const notBefore = nowMs - policy.withinSeconds * SECOND_MS;
    const isOld = atMs < notBefore;
    if (policy.mode === 'latest') {
      if (later.some((due) => due.atMs >= nowMs - GRACE_MS || due.atMs >= notBefore))
        return 'coalesced (outage)';
      return isOld ? 'missed (catch-up window)' : null;
    }
    const younger = later.filter((due) => due.atMs < nowMs - GRACE_MS && due.atMs >= notBefore).length;
    if (isOld) return younger > policy.max ? 'missed (catch-up limit)' : 'missed (catch-up window)';
    return younger >= policy.max ? 'missed (catch-up limit)' : null;
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
        return this.#takeBack();
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
    for (const due of passed) {
      if (this.#isInSuspension(due)) due.fate = 'skipped (suspended)';
      else if (due.atMs >= nowMs - GRACE_MS) due.isPromised = true;
    }
    this.#catchUpOn(nowMs);
    this.#promiseAhead(nowMs);
    if (this.#isSuspended()) this.#loseToSuspension(nowMs);
  }

  ledger(): Map<number, string> {
    const rows = new Map<number, string>();
    for (const { atMs, fate, isPromised } of [...this.#former, ...this.#due])
      if (fate !== null || isPromised) rows.set(atMs, fate ?? 'planned');
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
    for (const due of this.#open()) if (due.isPromised && due.atMs <= nowMs) due.fate = 'skipped (suspended)';
  }

  #takeBack(): void {
    for (const due of this.#open()) due.isPromised = due.isCaughtUp = false;
  }

  /** A pause counts for all that has not started when it begins. */
  #pause(seconds: number | null, { nowMs, wasDone }: Answered): void {
    if (!wasDone) return this.#mustBeOver();
    if (this.#pausedUntilMs <= nowMs) this.#pausedAtMs = nowMs;
    const second = Math.floor(nowMs / SECOND_MS) * SECOND_MS;
    this.#pausedUntilMs = seconds === null ? Infinity : second + seconds * SECOND_MS;
    this.#takeBack();
    this.#loseToPause(nowMs);
  }

  #resume(catchUp: boolean, { nowMs, wasDone }: Answered): void {
    if (this.#pausedUntilMs <= nowMs || this.#isSuspended()) return;
    const isRefused = catchUp && this.#catchUp.mode === 'none';
    if (isRefused && wasDone)
      throw new Error('expected a refusal to catch up, got a schedule that is resumed');
    if (isRefused) return;
    if (!wasDone) return this.#mustBeOver();
    this.#pausedUntilMs = -Infinity;
    if (catchUp) this.#catchUpOnPause(nowMs);
  }

  /** As after an outage that began with the pause and ends now; what is not chosen stays skipped. */
  #catchUpOnPause(nowMs: number): void {
    const policy = this.#catchUp;
    if (policy.mode === 'none') return;
    const notBefore = Math.max(this.#pausedAtMs, nowMs - policy.withinSeconds * SECOND_MS);
    const young = this.#due.filter(({ atMs }) => atMs >= notBefore && atMs <= nowMs);
    for (const due of young.slice(policy.mode === 'latest' ? -1 : -policy.max)) {
      if (due.fate !== 'skipped (paused)') continue;
      due.fate = null;
      due.isPromised = due.isCaughtUp = true;
    }
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
    for (const due of this.#open()) due.fate = this.#isInSuspension(due) ? 'skipped (suspended)' : fate;
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
  #catchUpOn(nowMs: number): void {
    const recentMs = nowMs - GRACE_MS;
    const behind = this.#open().filter(({ atMs, isPromised }) => atMs < recentMs && !isPromised);
    const [first] = behind;
    if (first === undefined) return;
    const { chosen, rest } = this.#judge(
      this.#due.filter(({ atMs }) => atMs >= first.atMs && atMs < recentMs),
      nowMs,
    );
    for (const due of behind) {
      due.isPromised = due.isCaughtUp = chosen.includes(due);
      if (!due.isPromised) due.fate = rest;
    }
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
  #promiseAhead(nowMs: number): void {
    const throughMs = nowMs + AHEAD_MS;
    if (this.#isSuspended() || throughMs < this.#pausedUntilMs) return;
    for (const due of this.#open()) {
      if (due.atMs <= nowMs) continue;
      if (due.atMs > throughMs || due.atMs < this.#pausedUntilMs) return;
      due.isPromised = true;
    }
  }
}
