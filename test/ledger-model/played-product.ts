// The product's decisions, put together as the planner's loop, the gap loop and the requests do it, over rows in memory
// instead of tables. Only what SQL does stands here: which rows a statement finds, writes and leaves as they are. Each
// method names the file whose part it plays.
import { nextDueAt, dueTimes, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { decideGap } from '#scheduling/decisions/gap.js';
import { CATCH_UP, planSchedule, type Gap, type PlannedFire } from '#scheduling/decisions/planning.js';
import { catchUpOn, type CatchUp } from '#scheduling/decisions/catch-up.js';
import type { Standing, Suspension } from '#scheduling/decisions/standing.js';
import { DEFAULT_PLANNER_SETTINGS } from '#scheduling/planning/planner-settings.js';
import { GRACE_MS, notCaughtUp } from '#scheduling/outages/decisions/passed.js';
import { nextSkips, nextUnskipped } from '#scheduling/schedules/decisions/next-skips.js';
import { BASE_MS, type Deed, type History, type Actor } from './history.js';
import { specOf } from './specs.js';

export const DECISIONS = { planSchedule, decideGap, catchUpOn, notCaughtUp, nextSkips, nextUnskipped };
export type Decisions = typeof DECISIONS;

const FIRES_PER_PASS = 500;
/** Few, so that gaps are decided in pieces. */
const GAP_FIRES = 3;

interface Fire {
  outcome: string;
  reason: string | null;
}

type LeftGap = Gap & Standing & { spec: ScheduleSpec };

export class PlayedProduct implements Actor {
  readonly #fires = new Map<number, Fire>();
  readonly #gaps: LeftGap[] = [];
  #spec: ScheduleSpec;
  #specSinceMs = -Infinity;
  #catchUp: CatchUp;
  #pause: Omit<Standing, 'suspension'> = { state: 'active', pausedUntil: null };
  #suspension: Suspension | null = null;
  #nextDueAt: Date | null;
  #pausedAt = new Date(BASE_MS);
  #isDeleted = false;
  #seenAtMs = BASE_MS;

  constructor(
    { spec, catchUp }: History,
    private readonly decisions: Decisions = DECISIONS,
  ) {
    this.#spec = specOf(spec, BASE_MS);
    this.#catchUp = catchUp;
    this.#nextDueAt = nextDueAt(this.#spec, new Date(BASE_MS));
  }

  start(nowMs: number): void {
    if (!this.#isSuspended()) {
      this.#takeBackPassed(nowMs);
      for (const [, fire] of this.#plannedUntil(nowMs)) fire.outcome = 'ran';
    }
    this.#seenAtMs = nowMs;
  }

  act(deed: Deed, nowMs: number): boolean {
    if (this.#isDeleted) return false;
    const now = new Date(nowMs);
    switch (deed.kind) {
      case 'nothing':
        return true;
      case 'pause': {
        const second = Math.floor(nowMs / 1_000) * 1_000;
        return this.#pauseUntil(now, deed.seconds === null ? null : new Date(second + deed.seconds * 1_000));
      }
      case 'resume':
        return this.#resume(now, deed.catchUp);
      case 'skip':
        return this.#skip(deed.count, now);
      case 'spec':
        return this.#giveSpec(specOf(deed.spec, nowMs), now);
      case 'policy':
        this.#nextDueAt = this.#goOnAt();
        this.#catchUp = deed.catchUp;
        return true;
      case 'suspend':
        if (!this.#isSuspended()) this.#suspension = { from: now, to: null };
        return true;
      case 'unsuspend':
        return this.#unsuspend(now);
      case 'delete':
        this.#endPlan(now, 'schedule deleted');
        this.#isDeleted = true;
        return true;
    }
  }

  lead(nowMs: number): void {
    const now = new Date(nowMs);
    if (!this.#isDeleted) this.#plan(now);
    if (this.#isSuspended()) this.#skipSuspended(nowMs);
    this.#decideGaps();
  }

  ledger(): Map<number, string> {
    const shown = ({ outcome, reason }: Fire): string =>
      reason === null ? outcome : `${outcome} (${reason})`;
    return new Map([...this.#fires].map(([atMs, fire]) => [atMs, shown(fire)]));
  }

  get #standing(): Standing {
    return { ...this.#pause, suspension: this.#suspension };
  }

  #isSuspended(): boolean {
    return this.#suspension?.to === null;
  }

  #plannedUntil(nowMs: number): [number, Fire][] {
    return [...this.#fires].filter(([atMs, { outcome }]) => outcome === 'planned' && atMs <= nowMs);
  }

  /** outages/passed-runs.ts */
  #takeBackPassed(nowMs: number): void {
    for (const [atMs, fire] of this.#plannedUntil(nowMs - GRACE_MS - 1)) {
      const isOfOutage = atMs > this.#seenAtMs && atMs > this.#specSinceMs && fire.reason === null;
      if (!isOfOutage) continue;
      const [dueAt, outageEndedAt] = [new Date(atMs), new Date(nowMs)];
      const of = { spec: this.#spec, catchUp: this.#catchUp, dueAt, outageEndedAt };
      Object.assign(fire, this.decisions.notCaughtUp(of) ?? {});
    }
  }

  /** I1: a due time that has its row keeps it. */
  #insert(fires: readonly PlannedFire[]): void {
    for (const { dueAt, outcome, reason } of fires)
      if (!this.#fires.has(dueAt.getTime())) this.#fires.set(dueAt.getTime(), { outcome, reason });
  }

  /** planning/planner-loop.ts */
  #plan(now: Date): void {
    if (this.#nextDueAt === null) return;
    const { lookAheadMs, graceMs } = DEFAULT_PLANNER_SETTINGS;
    const plan = this.decisions.planSchedule({
      ...this.#standing,
      spec: this.#spec,
      catchUp: this.#catchUp,
      nextDueAt: this.#nextDueAt,
      now,
      lookAheadMs,
      graceMs,
      limit: FIRES_PER_PASS,
    });
    if (plan.gap !== null) this.#gaps.push({ ...plan.gap, ...this.#standing, spec: this.#spec });
    this.#insert(plan.fires);
    this.#nextDueAt = plan.nextDueAt;
  }

  /** planning/gap-loop.ts, until nothing is left. */
  #decideGaps(): void {
    for (let gap = this.#gaps.shift(); gap !== undefined; gap = this.#gaps.shift()) {
      const { fires, restFrom } = this.decisions.decideGap(gap, GAP_FIRES);
      this.#insert(fires);
      if (restFrom !== null) this.#gaps.push({ ...gap, from: restFrom });
    }
  }

  /** suspending/suspended-run.repository.ts */
  #skipSuspended(nowMs: number): void {
    for (const [, fire] of this.#plannedUntil(nowMs)) {
      fire.outcome = 'skipped';
      fire.reason = 'suspended';
    }
  }

  #unsuspend(now: Date): boolean {
    if (this.#suspension === null || !this.#isSuspended()) return false;
    this.#skipSuspended(now.getTime());
    this.#suspension = { ...this.#suspension, to: now };
    return true;
  }

  /** schedules/planned-run.repository.ts */
  #revokePlanned(): Date[] {
    const open = this.#plannedUntil(Infinity).filter(([atMs]) => atMs > this.#specSinceMs);
    for (const [atMs] of open) this.#fires.delete(atMs);
    return open.map(([atMs]) => new Date(atMs));
  }

  /** schedules/plan-end.ts */
  #goOnAt(): Date | null {
    const instants = [...this.#revokePlanned(), ...(this.#nextDueAt === null ? [] : [this.#nextDueAt])];
    return instants.length === 0 ? null : new Date(Math.min(...instants.map(Number)));
  }

  #leavePast({ from, now, reason }: { from: Date | null; now: Date; reason: string }): void {
    if (from === null || from > now) return;
    const to = new Date(now.getTime() + 1);
    this.#gaps.push({ from, to, outcome: 'missed', reason, ...this.#standing, spec: this.#spec });
  }

  #endPlan(now: Date, reason: string): void {
    this.#leavePast({ from: this.#goOnAt(), now, reason });
    for (const [atMs, { reason }] of this.#fires)
      if (atMs > now.getTime() && reason === 'requested') this.#fires.delete(atMs);
  }

  /** schedules/pauses.ts */
  #pauseUntil(now: Date, until: Date | null): boolean {
    const next = this.#goOnAt();
    if (next === null) return false;
    if (!this.#isPaused(now)) this.#pausedAt = now;
    this.#pause = { state: 'paused', pausedUntil: until };
    this.#nextDueAt = next;
    return true;
  }

  #isPaused(now: Date): boolean {
    const { state, pausedUntil } = this.#pause;
    return state === 'paused' && (pausedUntil === null || pausedUntil > now);
  }

  #resume(now: Date, catchUp: boolean): boolean {
    // A suspended tenant is refused.
    if (this.#isSuspended()) return false;
    const from = this.#nextDueAt;
    if (!this.#isPaused(now) || (from === null && !catchUp)) return false;
    if (catchUp) {
      if (this.#catchUp.mode === 'none') return false;
      if (this.#catchUpOnPause(now) === 0 && from === null) return false;
    }
    if (from !== null && from <= now) {
      this.#leavePast({ from, now, reason: 'paused' });
      this.#nextDueAt = nextDueAt(this.#spec, now);
    }
    this.#pause = { state: 'active', pausedUntil: null };
    return true;
  }

  /** catching-up/pause-catch-up.ts */
  #catchUpOnPause(now: Date): number {
    const { dueTimes: chosen } = this.decisions.catchUpOn({
      spec: this.#spec,
      catchUp: this.#catchUp,
      now,
      from: new Date(Math.max(this.#pausedAt.getTime(), this.#specSinceMs + 1)),
      to: new Date(now.getTime() + 1),
      isLaterDue: false,
      heldUntil: null,
    });
    const made = chosen.filter((dueAt) => isOpenOrPaused(this.#fires.get(+dueAt)));
    for (const dueAt of made) this.#fires.set(+dueAt, { outcome: 'planned', reason: CATCH_UP });
    return made.length;
  }

  /** schedules/schedules.ts */
  #giveSpec(spec: ScheduleSpec, now: Date): boolean {
    const first = nextDueAt(spec, now);
    if (first === null) return false;
    this.#endPlan(now, 'schedule changed');
    this.#spec = spec;
    this.#specSinceMs = now.getTime();
    this.#nextDueAt = first;
    return true;
  }

  /** schedules/skips.ts */
  #skip(count: number, now: Date): boolean {
    const decided = [...this.#fires].filter(([atMs, { outcome }]) => atMs > +now && outcome !== 'planned');
    const span = { after: now, through: new Date(Date.UTC(2032)), limit: count + decided.length };
    const ahead = dueTimes(this.#spec, span);
    const known = ahead.map((dueAt) => ({ dueAt, outcome: this.#fires.get(+dueAt)?.outcome ?? null }));
    const { planned, open } = this.decisions.nextSkips(known, { count, now });
    const before = known.filter(({ outcome }) => outcome !== null).map(({ dueAt }) => dueAt);
    for (const dueAt of [...planned, ...open])
      this.#fires.set(+dueAt, { outcome: 'skipped', reason: 'requested' });
    const from = this.#nextDueAt;
    if (from === null) return true;
    const next = this.decisions.nextUnskipped(ahead, {
      from,
      now,
      skipped: [...before, ...planned, ...open],
    });
    this.#nextDueAt = next instanceof Date ? next : nextDueAt(this.#spec, ahead.at(-1) ?? from);
    return true;
  }
}

function isOpenOrPaused(fire: Fire | undefined): boolean {
  return fire === undefined || (fire.outcome === 'skipped' && fire.reason === 'paused');
}
