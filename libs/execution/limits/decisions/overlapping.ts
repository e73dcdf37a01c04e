// Which due runs of a key do not start, because another run of it is running? The policy in their key says so: that of a
// schedule whose runs must not overlap, or that of a user's concurrency key. It is decided at the due instant, by what
// really runs then. A run that waits for its retry does not run, so another one may start meanwhile; it has begun its
// work, so only the policies that keep the latest alone end it, and otherwise it waits for its turn.
import type { KeyOverlap } from '#kernel/keys/key-overlap.js';

export interface WaitingRun {
  /** From 2 on it is a retry. */
  attempt: number;
  runAt: Date;
  /** Of two with one instant the greater one was made later. */
  id: string;
}

export interface Overlapping<Run> {
  /** They end without a start. */
  dropped: Run[];
  /** The running one is cancelled, so that the last of the waiting ones can start. */
  replaces: boolean;
}

/** `waiting`: due runs of one key and policy while another run of the key is running, the next to start first. */
export function overlapping<Run extends WaitingRun>(
  overlap: KeyOverlap,
  waiting: readonly Run[],
): Overlapping<Run> {
  const due = waiting.filter(({ attempt }) => attempt === 1);
  switch (overlap.mode) {
    case 'skip':
      return { dropped: due, replaces: false };
    case 'queue':
      return { dropped: overlap.max === null ? [] : due.slice(overlap.max), replaces: false };
    case 'replace':
    case 'latest': {
      // Their priorities may differ, so the last to start need not be the latest.
      const latest = due.reduce<Run | undefined>(laterOf, undefined);
      return {
        dropped: latest === undefined ? [] : waiting.filter((run) => run !== latest),
        replaces: latest !== undefined && overlap.mode === 'replace',
      };
    }
  }
}

function laterOf<Run extends WaitingRun>(latest: Run | undefined, run: Run): Run {
  if (latest === undefined) return run;
  const ms = run.runAt.getTime() - latest.runAt.getTime();
  return ms > 0 || (ms === 0 && run.id > latest.id) ? run : latest;
}
