// What becomes of due times that a schedule left behind, because they passed in an outage and its catch-up policy did
// not choose them, or because it was changed or deleted before they had started? None of them runs any more: they are
// missed, or coalesced where a later run stands for them, or skipped where the schedule was paused or its tenant
// suspended. Each is decided from the gap alone. The gap keeps the spec and the standing that its schedule had, so that
// no later change, pause or deletion of the schedule changes the past.
import { dueTimes, type ScheduleSpec } from './due-times.js';
import type { Gap, PlannedFire } from './planning.js';
import { heldBackBy, type Standing } from './standing.js';

export interface GapToDecide extends Gap, Standing {
  spec: ScheduleSpec;
}

export interface DecidedGap {
  fires: PlannedFire[];
  /** The first due time that is left for later; null when all are decided. */
  restFrom: Date | null;
}

/** Decides the oldest due times of the gap, at most `limit`, which must be at least 1. */
export function decideGap(gap: GapToDecide, limit: number): DecidedGap {
  const through = new Date(gap.to.getTime() - 1);
  // One more than may be decided shows where to continue.
  const due = [gap.from, ...dueTimes(gap.spec, { after: gap.from, through, limit })];
  return {
    fires: due.slice(0, limit).map((dueAt) => decide(gap, dueAt)),
    restFrom: due[limit] ?? null,
  };
}

function decide(gap: GapToDecide, dueAt: Date): PlannedFire {
  const heldBack = heldBackBy(gap, dueAt);
  return heldBack === null
    ? { dueAt, outcome: gap.outcome, reason: gap.reason }
    : { dueAt, outcome: 'skipped', reason: heldBack };
}
