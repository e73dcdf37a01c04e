// How far ahead does the planner look? Far enough that a leader may die unnoticed. When a rush is due at one instant,
// farther by the time that planning the rush takes, so that all of it is planned in time. Not more: a plan must be
// taken back when its schedule changes, and is in its owner's way until it is due.

export interface LookAheadInput {
  /** Without a rush. */
  lookAheadMs: number;
  lookAheadMaxMs: number;
  /** Schedules due until `lookAheadMaxMs` from now. */
  rush: number;
}

/** The rate of two processors that are busy with other things, too; left alone they plan ten times as many. */
const PLANNED_PER_SECOND = 2_500;

export function lookAhead({ lookAheadMs, lookAheadMaxMs, rush }: LookAheadInput): number {
  const secondsToPlan = Math.floor(rush / PLANNED_PER_SECOND);
  return Math.min(lookAheadMaxMs, lookAheadMs + secondsToPlan * 1_000);
}

/** A larger rush changes nothing, so counting may stop here. */
export function largestRush({ lookAheadMs, lookAheadMaxMs }: Omit<LookAheadInput, 'rush'>): number {
  return Math.ceil(Math.max(0, lookAheadMaxMs - lookAheadMs) / 1_000) * PLANNED_PER_SECOND;
}
