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

/**
 * How much further schedules are planned that are due anyway: a few due times cost little more than one. Only as far as a
 * pass has room for those of schedules of each second, or it would end before all have had their turn.
 */
export function furtherMs({
  schedules,
  firesMax,
  furtherMaxMs,
}: {
  schedules: number;
  firesMax: number;
  furtherMaxMs: number;
}): number {
  const firesOfEach = Math.floor(firesMax / Math.max(1, schedules));
  // Besides the one that is due, another may be by the time of the plan.
  return Math.min(furtherMaxMs, Math.max(0, firesOfEach - 2) * 1_000);
}

/** A larger rush changes nothing, so counting may stop here. */
export function largestRush({ lookAheadMs, lookAheadMaxMs }: Omit<LookAheadInput, 'rush'>): number {
  return Math.ceil(Math.max(0, lookAheadMaxMs - lookAheadMs) / 1_000) * PLANNED_PER_SECOND;
}
