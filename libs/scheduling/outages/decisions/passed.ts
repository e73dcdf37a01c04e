// What becomes of a due time that was planned before an outage, and whose run could have started only in it? What the
// schedule's catch-up policy says, as if the due time had not been planned: by the instant at which the outage was over. So
// the decision is the same whenever it is made, by whichever replica, and for all runs of the schedule together they are
// those that the policy chooses.
import { catchUpOn, type CatchUp, type CaughtUp } from '#scheduling/decisions/catch-up.js';
import { nextDueAt, type ScheduleSpec } from '#scheduling/decisions/due-times.js';

/** What is no later than this when the outage is over is only late. As long as the planner's grace. */
export const GRACE_MS = 10_000;

export interface PassedDueTime {
  spec: ScheduleSpec;
  catchUp: CatchUp;
  dueAt: Date;
  /** When the first replica was back. */
  outageEndedAt: Date;
}

/** Why it does not run; null when it does. Its start is known to lie in the outage, and before the grace. */
export function notCaughtUp({ spec, catchUp, dueAt, outageEndedAt }: PassedDueTime): CaughtUp['rest'] | null {
  const recent = new Date(outageEndedAt.getTime() - GRACE_MS);
  const firstRecent = nextDueAt(spec, new Date(recent.getTime() - 1));
  const { dueTimes, rest } = catchUpOn({
    spec,
    catchUp,
    now: outageEndedAt,
    from: dueAt,
    to: recent,
    isLaterDue: firstRecent !== null && firstRecent <= outageEndedAt,
    heldUntil: null,
  });
  // The due times that run are the newest ones, so this one is among them only as the first of all.
  return dueTimes[0]?.getTime() === dueAt.getTime() ? null : rest;
}
