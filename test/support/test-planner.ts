// The planner and the gap loop over one member's leadership, as a replica puts them together, with passes made by hand.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { TestMember } from './test-member.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { GapLoop } from '#scheduling/planning/gap-loop.js';
import { PlannerLoop } from '#scheduling/planning/planner-loop.js';
import { DEFAULT_PLANNER_SETTINGS, type PlannerSettings } from '#scheduling/planning/planner-settings.js';
import { until } from './until.js';

export function plannerOf(
  { leadership, hints }: Pick<TestMember, 'leadership' | 'hints'>,
  settings: Partial<PlannerSettings> = {},
): PlannerLoop {
  return new PlannerLoop(leadership, hints, {
    settings: { ...DEFAULT_PLANNER_SETTINGS, ...settings },
    clock: systemClock,
  });
}

/** Decides all that was left behind. */
export async function decideThePast(
  db: Database,
  { leadership }: Pick<TestMember, 'leadership'>,
): Promise<void> {
  const gaps = new GapLoop(leadership, systemClock);
  await until('nothing is left behind', async () => {
    await gaps.runOnce();
    const { rows } = await sql`select 1 from carillon.schedule_gap limit 1`.execute(db);
    return rows.length === 0;
  });
}
