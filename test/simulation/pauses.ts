// Does a pause hold back what is due in it, and nothing else? Judged where the planner decides: at that moment the schedule
// is as the planner read it, and how it is paused says of each due time whether it may run.
import { fireKey, type FireRow, type ScheduleRow } from './model-database.js';
import type { World } from './world.js';

export function judgePause(
  world: World,
  { schedule, dueMs, run, reason }: FireRow,
  { state, pausedUntilMs }: ScheduleRow,
): void {
  const isHeldBack = state === 'paused' && dueMs < (pausedUntilMs ?? Number.POSITIVE_INFINITY);
  const key = fireKey(schedule, dueMs);
  if (isHeldBack && run !== null) world.violate('a pause holds back', `${key} runs, and is due in a pause`);
  if (!isHeldBack && reason === 'paused')
    world.violate('a pause holds back', `${key} is skipped, and is due in no pause`);
}
