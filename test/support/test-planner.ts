// A planner over one member's leadership, as a replica puts it together, with passes made by hand.
import type { TestMember } from './test-member.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { PlannerLoop } from '#scheduling/planning/planner-loop.js';
import { DEFAULT_PLANNER_SETTINGS, type PlannerSettings } from '#scheduling/planning/planner-settings.js';

export function plannerOf(
  { leadership, hints }: Pick<TestMember, 'leadership' | 'hints'>,
  settings: Partial<PlannerSettings> = {},
): PlannerLoop {
  return new PlannerLoop(leadership, hints, {
    settings: { ...DEFAULT_PLANNER_SETTINGS, ...settings },
    clock: systemClock,
  });
}
