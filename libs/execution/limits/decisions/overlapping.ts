// Which due runs of a schedule do not start, because another run of it is running? The schedule's policy says so. A due
// time is decided at its instant, by what really runs then. A run that waits for its retry does not run, so another one
// may start meanwhile; it is no due time itself, so no policy but `replace` ends it, and it waits for its turn.
import type { ScheduleKey } from '#kernel/schedule-key.js';

export interface WaitingRun {
  /** From 2 on it is a retry. */
  attempt: number;
}

export interface Overlapping<Run> {
  /** They end without a start. */
  dropped: Run[];
  /** The running one is cancelled, so that the last of the waiting ones can start. */
  replaces: boolean;
}

/** `waiting`: due runs of one schedule while another run of it is running, the next to start first. */
export function overlapping<Run extends WaitingRun>(
  overlap: ScheduleKey['overlap'],
  waiting: readonly Run[],
): Overlapping<Run> {
  const due = waiting.filter(({ attempt }) => attempt === 1);
  switch (overlap.mode) {
    case 'skip':
      return { dropped: due, replaces: false };
    case 'queue':
      return { dropped: due.slice(overlap.max), replaces: false };
    case 'replace': {
      const last = due.at(-1);
      return {
        dropped: waiting.filter((run) => run !== last && last !== undefined),
        replaces: last !== undefined,
      };
    }
  }
}
