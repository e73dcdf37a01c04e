// Which due times does a schedule catch up on that its tenant's suspension has skipped? Those that its policy chooses, as
// after an outage that began with the suspension and ended with it. What a spec before the present one asked for is not of
// this schedule any more.
import { catchUpOn, type CatchUp } from '#scheduling/decisions/catch-up.js';
import { nextDueAt, type ScheduleSpec } from '#scheduling/decisions/due-times.js';

export interface SuspendedSchedule {
  /** Null when it can't be read, as the policy. */
  spec: ScheduleSpec | null;
  catchUp: CatchUp | null;
  specSince: Date | null;
}

export interface EndedSuspension {
  from: Date;
  /** From then on due times run. */
  to: Date;
  /** When the request came that asked to catch up. */
  askedAt: Date;
}

/** Null where the policy makes up for nothing, or it, or the spec, can't be read. */
export function skippedToRun(
  { spec, catchUp, specSince }: SuspendedSchedule,
  { from, to, askedAt }: EndedSuspension,
): Date[] | null {
  if (spec === null || catchUp === null || catchUp.mode === 'none') return null;
  const begins = specSince === null ? from : new Date(Math.max(+from, +specSince + 1));
  if (begins >= to) return [];
  const later = nextDueAt(spec, new Date(+to - 1));
  const isLaterDue = later !== null && later <= askedAt;
  const span = { from: begins, to, now: askedAt };
  return catchUpOn({ spec, catchUp, ...span, isLaterDue, heldUntil: null }).dueTimes;
}
