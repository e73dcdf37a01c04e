// What becomes of the runs that stand in line for locks, after a look at the heads of the lines? One whose locks may be free
// now is let go to ask for them. One that may go and does not start, because a limit holds it back, must not keep others
// from locks that are free: it leaves the line, and asks anew when its turn to start comes.

/** A run that may start does so within a pass or two. */
const STARTS_WITHIN_MS = 1_000;

export interface StandingRun {
  ticket: number;
  /** How many locks it wants. */
  wishes: number;
  /** Since when it may ask for them; null while others are in the way. */
  mayAskSinceMs: number | null;
}

export interface NextSteps<Run> {
  /** Their locks may have become free just now. */
  free: Run[];
  /** Their locks are not free any more. */
  blocked: Run[];
  /** They could have started for a while. */
  idle: Run[];
}

/** `ready`: in how many of its lines each ticket is next, with the lock free. */
export function nextSteps<Run extends StandingRun>(
  runs: readonly Run[],
  { ready, nowMs }: { ready: ReadonlyMap<number, number>; nowMs: number },
): NextSteps<Run> {
  const steps: NextSteps<Run> = { free: [], blocked: [], idle: [] };
  for (const run of runs) {
    if (ready.get(run.ticket) !== run.wishes) {
      if (run.mayAskSinceMs !== null) steps.blocked.push(run);
    } else if (run.mayAskSinceMs === null) steps.free.push(run);
    else if (nowMs - run.mayAskSinceMs >= STARTS_WITHIN_MS) steps.idle.push(run);
  }
  return steps;
}
