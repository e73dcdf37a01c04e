// Which due times that passed in an outage run after all, once the schedule is planned again? Its catch-up policy says
// so: the latest, some of the newest, or none. Newer ones always come before older ones, both the age and the number are
// bounded, and which ones run depends on nothing but the policy and the clock: a longer outage never makes less run.
import { newestDueTimes, type ScheduleSpec } from './due-times.js';

export interface CatchUp {
  mode: 'none' | 'latest' | 'all';
  /** A due time that is older is missed. */
  withinSeconds: number;
  /** At most so many run; the newest. */
  max: number;
}

/** A daily job that was due in an outage runs once it is over; a job of each second does not run 86,400 times. */
export const DEFAULT_CATCH_UP: CatchUp = { mode: 'latest', withinSeconds: 86_400, max: 1 };

export interface CatchUpInput {
  spec: ScheduleSpec;
  catchUp: CatchUp;
  /** The database's time. */
  now: Date;
  /** The first due time that is undecided. */
  from: Date;
  /** Due times from here on are no matter of catching up: they run anyway. */
  to: Date;
  /** Whether one of those has passed. */
  isLaterDue: boolean;
  /** Until then nothing of the schedule ran, because its tenant was suspended; null if it was not. */
  heldUntil: Date | null;
}

export interface CaughtUp {
  /** The due times that run, the earliest first: all from the first of them up to `to`. */
  dueTimes: Date[];
  /** What becomes of those before them. */
  rest: { outcome: 'missed' | 'coalesced'; reason: string };
}

export function catchUpOn({ spec, catchUp, ...input }: CatchUpInput): CaughtUp {
  const { now, from, to, isLaterDue, heldUntil } = input;
  if (catchUp.mode === 'none') return { dueTimes: [], rest: missed('no catch-up') };
  if (catchUp.mode === 'latest' && isLaterDue) return { dueTimes: [], rest: COALESCED };
  const oldest = new Date(now.getTime() - catchUp.withinSeconds * 1_000);
  const notBefore = new Date(Math.max(+oldest, +from, heldUntil === null ? -Infinity : +heldUntil));
  const limit = catchUp.mode === 'latest' ? 1 : catchUp.max;
  const dueTimes = newestDueTimes(spec, { notBefore, before: to, limit });
  if (catchUp.mode === 'latest' && dueTimes.length > 0) return { dueTimes, rest: COALESCED };
  return { dueTimes, rest: missed(dueTimes.length === limit ? 'catch-up limit' : 'catch-up window') };
}

/** One later run stands for them. */
const COALESCED = { outcome: 'coalesced', reason: 'outage' } as const;

function missed(reason: string): CaughtUp['rest'] {
  return { outcome: 'missed', reason };
}
