// What becomes of a schedule's due times up to now and a little ahead? Each gets exactly one decision,
// in order, starting from the schedule's own next due time and never from "now", so that none is lost or
// doubled however late the planner comes. Due times ahead are planned; those already past by more than
// the catch-up window are missed; a paused schedule's are skipped once they have passed.
import type { ScheduleState } from './schedule-state.js';
import { dueTimes, nextDueAt, type ScheduleSpec } from './due-times.js';

export interface PlannedFire {
  dueAt: Date;
  outcome: 'planned' | 'missed' | 'skipped';
  reason: string | null;
}

export interface PlanningInput {
  spec: ScheduleSpec;
  state: ScheduleState;
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
  /** Null when the schedule will never be due again. */
  nextDueAt: Date | null;
}

export function planSchedule(input: PlanningInput): Plan {
  const { spec, state, now, limit } = input;
  const aheadMs = state === 'active' ? input.lookAheadMs : 0;
  const through = new Date(now.getTime() + aheadMs);
  if (input.nextDueAt > through) return { fires: [], nextDueAt: input.nextDueAt };
  const later = limit > 1 ? dueTimes(spec, { after: input.nextDueAt, through, limit: limit - 1 }) : [];
  const due = [input.nextDueAt, ...later];
  const oldest = new Date(now.getTime() - input.catchUpMs);
  return {
    fires: due.map((dueAt) => decide({ dueAt, state, oldest })),
    nextDueAt: nextDueAt(spec, due.at(-1) ?? input.nextDueAt),
  };
}

function decide({ dueAt, state, oldest }: { dueAt: Date; state: ScheduleState; oldest: Date }): PlannedFire {
  if (state !== 'active') return { dueAt, outcome: 'skipped', reason: state };
  if (dueAt < oldest) return { dueAt, outcome: 'missed', reason: 'catch-up window' };
  return { dueAt, outcome: 'planned', reason: null };
}
