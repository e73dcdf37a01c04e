// Which tenants crowd the planner? Those of a sixteenth of the seeds, drawn by a chance of their own, so that all else
// goes the same way in the others. Some are there from the beginning, as after an outage, some come on the way. Their
// schedules have more due times behind them than a pass of that cluster's planner takes, which is told smaller limits
// than those of production.
import { DEFAULT_PLANNER_SETTINGS, type PlannerSettings } from '#scheduling/planning/planner-settings.js';
import type { Broken } from './broken-protocols.js';
import { SeededRandom } from './seeded-random.js';

/** Far from the seeds that are played, and from other chances of their own. */
export const APART = 0x2468_ace1;
export const PERIOD_SECONDS = 5;
const COMES_UNTIL_MS = 6_000;

/** All of the crowd's due times together are many passes. */
const PASS = {
  schedules: 25,
  past: 10,
  fires: 40,
  firesPerBatch: 20,
  firesOfCrowd: 40,
  crowdersFrom: 10,
};
/** More than all due times together. */
const NO_LIMIT = 1_000_000;

export interface Crowd {
  /** At which instant each one comes. */
  readonly tenants: ReadonlyMap<string, { slot: number; comesAtMs: number }>;
  readonly periodMs: number;
  /** What the planner has to keep, however it is broken. */
  readonly limits: PlannerSettings['pass'];
  readonly settings: PlannerSettings;
}

/** Null in most seeds. */
export function drawCrowd(
  seed: number,
  { slotCount, broken }: { slotCount: number; broken: Broken },
): Crowd | null {
  const random = new SeededRandom(seed ^ APART);
  if (!random.chance(1 / 16)) return null;
  const count = random.pick([1, 1, 1, 2, 3]) ?? 1;
  const tenants = Array.from({ length: count }, (_, index) => {
    const comesAtMs = random.chance(0.5) ? 0 : random.between(0, COMES_UNTIL_MS);
    return [`crowd-${index + 1}`, { slot: random.whole(0, slotCount - 1), comesAtMs }] as const;
  });
  const isUncut = broken.has('passes of the planner that go on to the end');
  const pass = isUncut ? { ...PASS, schedules: NO_LIMIT, fires: NO_LIMIT, firesOfCrowd: NO_LIMIT } : PASS;
  // With many due times for each schedule that comes, since it takes those to crowd a pass.
  const settings = { ...DEFAULT_PLANNER_SETTINGS, graceMs: 60_000, pass };
  return { tenants: new Map(tenants), periodMs: PERIOD_SECONDS * 1_000, limits: PASS, settings };
}
