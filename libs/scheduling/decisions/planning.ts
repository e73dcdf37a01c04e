// What becomes of a schedule's due times up to now and a little ahead? Each gets exactly one decision, in order,
// starting from the schedule's own next due time and never from "now", so that none is lost or doubled however late the
// planner comes. Due times ahead, and those that have only just passed, are planned. Of earlier ones, which passed in an
// outage, those are planned that the schedule's catch-up policy chooses. The others are left behind as one gap, whose
// length costs nothing here: it is decided later (decisions/gap.ts), so that the present never waits for the past. Due
// times of a paused schedule or a suspended tenant are skipped once they have passed, and not before: the schedule may be
// resumed until then. So nothing is planned beyond one that is still ahead.
import { catchUpOn, type CatchUp } from './catch-up.js';
import { dueTimes, nextDueAt, type ScheduleSpec } from './due-times.js';
import { heldBackBy, heldUntil, isHeldWithoutEnd, type Standing } from './standing.js';

/** Why a due time is planned that passed in an outage. */
export const CATCH_UP = 'catch-up';
/** Why one is planned that has passed: a request asked for it. */
export const BACKFILL = 'backfill';
/** What takes plans back leaves these alone; `retry`: a request retries a run that was over before it started. */
export const ASKED_FOR: readonly string[] = [BACKFILL, 'retry'];

export interface PlannedFire {
  dueAt: Date;
  outcome: 'planned' | 'missed' | 'skipped' | 'coalesced';
  reason: string | null;
}

/** Due times that are still to be decided: from the first one on, and before the end. */
export interface Gap {
  from: Date;
  to: Date;
  /** What becomes of those that were not held back. */
  outcome: 'missed' | 'coalesced';
  reason: string;
}

export interface PlanningInput extends Standing {
  spec: ScheduleSpec;
  nextDueAt: Date;
  /** The database's time. */
  now: Date;
  lookAheadMs: number;
  catchUp: CatchUp;
  /** A due time older than this passed in an outage; a younger one is only late. */
  graceMs: number;
  /** At most this many due times in one pass; the rest is left for the next. */
  limit: number;
}

export interface Plan {
  fires: PlannedFire[];
  /** Null when nothing was left behind. */
  gap: Gap | null;
  /** Null when the schedule will never be due again. */
  nextDueAt: Date | null;
}

export function planSchedule(input: PlanningInput): Plan {
  const { spec, now, limit } = input;
  const through = lookThrough(input);
  if (input.nextDueAt > through) return { fires: [], gap: null, nextDueAt: input.nextDueAt };
  const recent = new Date(now.getTime() - input.graceMs);
  const isBehind = input.nextDueAt < recent;
  const first = isBehind ? [] : [input.nextDueAt];
  const after = first[0] ?? new Date(recent.getTime() - 1);
  const later = limit > first.length ? dueTimes(spec, { after, through, limit: limit - first.length }) : [];
  const found = [...first, ...later];
  const firstHeldAhead = found.findIndex((dueAt) => dueAt > now && heldBackBy(input, dueAt) !== null);
  const due = firstHeldAhead < 0 ? found : found.slice(0, firstHeldAhead);
  const next = found[due.length] ?? nextDueAt(spec, due.at(-1) ?? after);
  const fires = due.map((dueAt) => decide(input, dueAt));
  if (!isBehind) return { fires, gap: null, nextDueAt: next };
  const isLaterDue = fires.some(({ dueAt, outcome }) => outcome === 'planned' && dueAt <= now);
  const { caughtUp, gap } = decideBehind(input, { recent, isLaterDue });
  return { fires: [...caughtUp, ...fires], gap, nextDueAt: next };
}

/** What is held back at the end of the look-ahead is held back from now until then. */
function lookThrough({ now, lookAheadMs, ...standing }: PlanningInput): Date {
  const ahead = new Date(now.getTime() + lookAheadMs);
  return heldBackBy(standing, ahead) === null ? ahead : now;
}

function decide(standing: Standing, dueAt: Date): PlannedFire {
  const reason = heldBackBy(standing, dueAt);
  return { dueAt, outcome: reason === null ? 'planned' : 'skipped', reason };
}

function decideBehind(
  { spec, catchUp, now, nextDueAt: from, ...standing }: PlanningInput,
  { recent: to, isLaterDue }: { recent: Date; isLaterDue: boolean },
): { caughtUp: PlannedFire[]; gap: Gap | null } {
  // Before a suspension that is not over yet.
  if (isHeldWithoutEnd(standing))
    return { caughtUp: [], gap: { from, to, outcome: 'missed', reason: 'suspended' } };
  const made = catchUpOn({ spec, catchUp, now, from, to, isLaterDue, heldUntil: heldUntil(standing) });
  const caughtUp = made.dueTimes.map((dueAt): PlannedFire => ({
    dueAt,
    outcome: 'planned',
    reason: CATCH_UP,
  }));
  const gap = { from, to: made.dueTimes[0] ?? to, ...made.rest };
  return { caughtUp, gap: gap.from < gap.to ? gap : null };
}
