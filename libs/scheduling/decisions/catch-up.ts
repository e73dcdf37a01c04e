// Which due times that passed in an outage run after all, once the schedule is planned again? Its catch-up policy says
// so: the latest, some of the newest, or none. Newer ones always come before older ones, both the age and the number are
// bounded, and which ones run depends on nothing but the policy and the clock: a longer outage never makes less run.
import { newestDueTimes, type ScheduleSpec } from './due-times.js';

/** A due time that is older than `withinSeconds` is missed. Of all others at most `max` run, the newest. */
export type CatchUp =
  | { mode: 'none' }
  | { mode: 'latest'; withinSeconds: number }
  | { mode: 'all'; withinSeconds: number; max: number };

/** A daily job that was due in an outage runs once it is over; a job of each second does not run 86,400 times. */
export const DEFAULT_CATCH_UP = { mode: 'latest', withinSeconds: 86_400 } as const satisfies CatchUp;

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
  /** Until then nothing of the schedule ran, since it was paused or its tenant suspended; null if neither was. */
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
  const span = { notBefore, before: to };
  if (catchUp.mode === 'latest') {
    const dueTimes = newestDueTimes(spec, { ...span, limit: 1 });
    return { dueTimes, rest: dueTimes.length > 0 ? COALESCED : missed('catch-up window') };
  }
  // One more than may run shows which of the two bounds left out the rest.
  const young = newestDueTimes(spec, { ...span, limit: catchUp.max + 1 });
  const isLimited = young.length > catchUp.max;
  return {
    dueTimes: isLimited ? young.slice(1) : young,
    rest: missed(isLimited ? 'catch-up limit' : 'catch-up window'),
  };
}

/** One later run stands for them. */
const COALESCED = { outcome: 'coalesced', reason: 'outage' } as const;

function missed(reason: string): CaughtUp['rest'] {
  return { outcome: 'missed', reason };
}
