// How far ahead does the planner look? Far enough that a leader may die unnoticed. When a crowd is due at one instant,
// farther by the time that planning the crowd takes, so that all of it is planned in time. Not more: a plan must be
// taken back when its schedule changes, and is in its owner's way until it is due.

export interface LookAheadInput {
  /** Without a crowd. */
  lookAheadMs: number;
  lookAheadMaxMs: number;
  /** Schedules due until `lookAheadMaxMs` from now. */
  crowd: number;
}

/** The rate of two processors that are busy with other things, too; left alone they plan ten times as many. */
const PLANNED_PER_SECOND = 2_500;

export function lookAhead({ lookAheadMs, lookAheadMaxMs, crowd }: LookAheadInput): number {
  const secondsToPlan = Math.floor(crowd / PLANNED_PER_SECOND);
  return Math.min(lookAheadMaxMs, lookAheadMs + secondsToPlan * 1_000);
}

/** A larger crowd changes nothing, so counting may stop here. */
export function largestCrowd({ lookAheadMs, lookAheadMaxMs }: Omit<LookAheadInput, 'crowd'>): number {
  return Math.ceil(Math.max(0, lookAheadMaxMs - lookAheadMs) / 1_000) * PLANNED_PER_SECOND;
}
