// What becomes of a schedule's due times up to now and a little ahead? Each gets exactly one decision, in order,
// starting from the schedule's own next due time and never from "now", so that none is lost or doubled however late the
// planner comes. Due times ahead and inside the catch-up window are planned. Earlier ones are left behind as one gap,
// whose length costs nothing here: it is decided later (decisions/gap.ts), so that the present never waits for the
// past. Due times of a paused schedule or a suspended tenant are skipped once they have passed.
import { dueTimes, nextDueAt, type ScheduleSpec } from './due-times.js';
import { heldBackBy, mayRunNow, type Standing } from './standing.js';

export interface PlannedFire {
  dueAt: Date;
  outcome: 'planned' | 'missed' | 'skipped';
  reason: string | null;
}

/** Due times that are still to be decided: from the first one on, and before the end. */
export interface Gap {
  from: Date;
  to: Date;
}

export interface PlanningInput extends Standing {
  spec: ScheduleSpec;
  nextDueAt: Date;
  /** The database's time. */
  now: Date;
  lookAheadMs: number;
  /** A due time older than this is not made up for. */
  catchUpMs: number;
  /** At most this many due times in one pass; the rest is left for the next. */
  limit: number;
}

export interface Plan {
  fires: PlannedFire[];
  /** The due times before the catch-up window; null when there are none. */
  gap: Gap | null;
  /** Null when the schedule will never be due again. */
  nextDueAt: Date | null;
}

export function planSchedule(input: PlanningInput): Plan {
  const { spec, now, limit } = input;
  const aheadMs = mayRunNow(input) ? input.lookAheadMs : 0;
  const through = new Date(now.getTime() + aheadMs);
  if (input.nextDueAt > through) return { fires: [], gap: null, nextDueAt: input.nextDueAt };
  const oldest = new Date(now.getTime() - input.catchUpMs);
  const gap = input.nextDueAt < oldest ? { from: input.nextDueAt, to: oldest } : null;
  const first = gap === null ? [input.nextDueAt] : [];
  const after = first[0] ?? new Date(oldest.getTime() - 1);
  const later = limit > first.length ? dueTimes(spec, { after, through, limit: limit - first.length }) : [];
  const due = [...first, ...later];
  return {
    fires: due.map((dueAt) => decide(input, dueAt)),
    gap,
    nextDueAt: nextDueAt(spec, due.at(-1) ?? after),
  };
}

function decide(standing: Standing, dueAt: Date): PlannedFire {
  const reason = heldBackBy(standing, dueAt);
  return { dueAt, outcome: reason === null ? 'planned' : 'skipped', reason };
}
