// The product's decisions, put together as the planner's loop, the gap loop and the requests do it, over rows in memory
// instead of tables. Only what SQL does stands here: which rows a statement finds, writes and leaves as they are. Each
// method names the file whose part it plays.
import { nextDueAt, dueTimes, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { CATCH_UP, type Plan, type PlannedFire } from '#scheduling/decisions/planning.js';
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import type { Standing, Suspension } from '#scheduling/decisions/standing.js';
import { DEFAULT_PLANNER_SETTINGS } from '#scheduling/planning/planner-settings.js';
import { GRACE_MS } from '#scheduling/outages/decisions/passed.js';
import { DECISIONS, type Decisions } from './decisions.js';
import { BASE_MS, type Deed, type History, type Actor } from './history.js';
import { PlayedGaps } from './played-gaps.js';
import { specOf } from './specs.js';

const FIRES_PER_PASS = 500;

type Fire = Pick<PlannedFire, 'reason'> & { outcome: string };

export class PlayedProduct implements Actor {
  readonly #fires = new Map<number, Fire>();
  readonly #gaps = new PlayedGaps();
  #spec: ScheduleSpec;
  #specSinceMs = -Infinity;
  #catchUp: CatchUp;
  #pause: Omit<Standing, 'suspension'> = { state: 'active', pausedUntil: null };
  #suspension: Suspension | null = null;
  #nextDueAt: Date | null;
  #pausedAt = new Date(BASE_MS);
  #isDeleted = false;
  #seenAtMs = BASE_MS;
  /** From the last beat before to the first one after. */
  readonly #outages: { fromMs: number; toMs: number }[] = [];
  readonly #maxQueued: number | null;
  /** Null for a schedule without a jitter. */
  readonly #jitterMs: number | null;

  constructor(
    { spec, catchUp, jitter, maxQueued }: History,
    private readonly decisions: Decisions = DECISIONS,
  ) {
    this.#maxQueued = maxQueued;
    this.#jitterMs =
      jitter === null
        ? null
        : decisions.jitterMs({ hash: (jitter.eighths / 8) * 2 ** 48, jitterSeconds: jitter.seconds });
    this.#spec = specOf(spec, BASE_MS);
    this.#catchUp = catchUp;
    this.#nextDueAt = nextDueAt(this.#spec, new Date(BASE_MS));
  }

  start(nowMs: number): void {
    if (nowMs - this.#seenAtMs > GRACE_MS) this.#outages.push({ fromMs: this.#seenAtMs, toMs: nowMs });
    this.#seenAtMs = nowMs;
    if (this.#isSuspended()) return;
    this.#takeBackPassed(nowMs);
    for (const [, fire] of this.#plannedUntil(nowMs - (this.#jitterMs ?? 0))) fire.outcome = 'ran';
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
        this.#nextDueAt = this.#goOnAt({ now, alsoDue: false });
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
    for (const fires of this.#gaps.decideAll(this.decisions)) this.#insert(fires);
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
    for (const [atMs, fire] of this.#plannedUntil(nowMs)) {
      const startMs = atMs + (this.#jitterMs ?? 0);
      const outage = this.#outages.findLast(({ fromMs }) => fromMs < startMs);
      const isOfOutage = outage !== undefined && outage.toMs > startMs + GRACE_MS;
      if (!isOfOutage || fire.reason !== null || atMs <= this.#specSinceMs) continue;
      const [dueAt, outageEndedAt] = [new Date(atMs), new Date(outage.toMs)];
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
    if (plan.gap !== null) this.#gaps.leave({ ...plan.gap, ...this.#standing, spec: this.#spec });
    const { fires, nextDueAt: next } = this.#placed(plan, now);
    this.#insert(fires);
    this.#nextDueAt = next;
  }

  /** planning/limited-plans.ts */
  #placed(plan: Plan, now: Date): Plan {
    if (this.#maxQueued === null) return plan;
    const places = Math.max(0, this.#maxQueued - this.#queued);
    return this.decisions.sharePlaces([plan], { places, now }).plans[0] ?? plan;
  }

  get #queued(): number {
    return this.#plannedUntil(Infinity).length;
  }

  /** suspending/suspended-run.repository.ts */
  #skipSuspended(nowMs: number): void {
    const fromMs = this.#jitterMs === null ? -Infinity : Number(this.#suspension?.from);
    for (const [atMs, fire] of this.#plannedUntil(nowMs)) {
      // Due before the suspension, and put off.
      if (atMs < fromMs) continue;
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
  #revokePlanned({ now, alsoDue }: { now: Date; alsoDue: boolean }): Date[] {
    const isTaken = (atMs: number) =>
      atMs > this.#specSinceMs && (alsoDue || this.#jitterMs === null || atMs > now.getTime());
    const open = this.#plannedUntil(Infinity).filter(([atMs]) => isTaken(atMs));
    for (const [atMs] of open) this.#fires.delete(atMs);
    return open.map(([atMs]) => new Date(atMs));
  }

  /** schedules/plan-end.ts */
  #goOnAt(which: { now: Date; alsoDue: boolean }): Date | null {
    const instants = [...this.#revokePlanned(which), ...(this.#nextDueAt === null ? [] : [this.#nextDueAt])];
    return instants.length === 0 ? null : new Date(Math.min(...instants.map(Number)));
  }

  #leavePast({ from, now, reason }: { from: Date | null; now: Date; reason: string }): void {
    if (from === null || from > now) return;
    const to = new Date(now.getTime() + 1);
    this.#gaps.leave({ from, to, outcome: 'missed', reason, ...this.#standing, spec: this.#spec });
  }

  #endPlan(now: Date, reason: string): void {
    this.#leavePast({ from: this.#goOnAt({ now, alsoDue: true }), now, reason });
    for (const [atMs, { reason }] of this.#fires)
      if (atMs > now.getTime() && reason === 'requested') this.#fires.delete(atMs);
  }

  /** schedules/pauses.ts */
  #pauseUntil(now: Date, until: Date | null): boolean {
    const next = this.#goOnAt({ now, alsoDue: false });
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
      const made = this.#catchUpOnPause(now);
      if (made === null || (made === 0 && from === null)) return false;
    }
    if (from !== null && from <= now) {
      this.#leavePast({ from, now, reason: 'paused' });
      this.#nextDueAt = nextDueAt(this.#spec, now);
    }
    this.#pause = { state: 'active', pausedUntil: null };
    return true;
  }

  /** catching-up/pause-catch-up.ts: null where there is no place. */
  #catchUpOnPause(now: Date): number | null {
    const { dueTimes: chosen } = this.decisions.catchUpOn({
      spec: this.#spec,
      catchUp: this.#catchUp,
      now,
      from: new Date(Math.max(this.#pausedAt.getTime(), this.#specSinceMs + 1)),
      to: new Date(now.getTime() + 1),
      isLaterDue: false,
      heldUntil: null,
    });
    const isFull = this.#maxQueued !== null && this.#queued + chosen.length > this.#maxQueued;
    if (chosen.length > 0 && isFull) return null;
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
