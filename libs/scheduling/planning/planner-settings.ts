// How far, how often and how much does the planner plan? The limits of a pass bound how long it goes without a look at
// all tenants. They are parameters so that the simulation can play passes that end early.

/** Finding due times of a rare kind of spec takes milliseconds each, on the event loop that a whole replica shares. */
export const DECIDE_MS_MAX = 20;

interface PassLimits {
  schedules: number;
  /** Schedules left behind: they come beside the present ones. */
  past: number;
  /** For the present and for the past, each. */
  fires: number;
  /** A batch holds the leadership row, for which a successor waits even when this process is dead. */
  firesPerBatch: number;
  /** As `fires`, for all tenants together that crowd the planner, between two looks at the others. */
  firesOfCrowd: number;
  /** A tenant with fewer due times in a full pass delays no other tenant. */
  crowdersFrom: number;
}

export interface PlannerSettings {
  everyMs: number;
  lookAheadMs: number;
  /** How far it looks when a rush of due times is ahead. */
  lookAheadMaxMs: number;
  /** A schedule that is due until then is planned so much further at once, where a pass has room for it. */
  furtherMaxMs: number;
  /** How often it checks whether a rush is ahead. */
  rushEveryMs: number;
  /** A due time that the planner reaches later than this passed in an outage: its schedule's catch-up policy decides. */
  graceMs: number;
  pass: PassLimits;
}

const DEFAULT_PASS_LIMITS: PassLimits = {
  // So many that finding them costs little, and that all sessions have something to write.
  schedules: 4_000,
  // There may be very many after an outage, and present ones are read again between them.
  past: 1_000,
  // Two seconds' work on a busy machine, so that a schedule with an hour behind it does not keep others waiting.
  fires: 4_000,
  // Tens of milliseconds.
  firesPerBatch: 1_000,
  firesOfCrowd: 2_000,
  crowdersFrom: 100,
};

export const DEFAULT_PLANNER_SETTINGS: PlannerSettings = {
  everyMs: 1_000,
  lookAheadMs: 10_000,
  lookAheadMaxMs: 120_000,
  // One write of a schedule of each second for six due times.
  furtherMaxMs: 5_000,
  rushEveryMs: 5_000,
  // A failover takes a second or two, and costs no due time. After ten, a schedule of each second would storm its workers.
  graceMs: 10_000,
  pass: DEFAULT_PASS_LIMITS,
};
