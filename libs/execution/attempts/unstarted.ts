// How does a run end that never started, and what is said to one that a later run replaces? Runs of a schedule are told
// of the schedule, others of their concurrency key.
import { STOPPED_BECAUSE } from '#execution/runs/attempt-stopped.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { RunTransition } from '#execution/runs/decisions/run-transition.js';
import { readOverlapKey } from '#kernel/keys/key-overlap.js';

export type UnstartedBecause = 'cancelled' | 'deadline' | 'overlap';

export function unstarted(why: UnstartedBecause, { concurrencyKey }: ClaimedRun): RunTransition {
  switch (why) {
    case 'cancelled':
      return { kind: 'finish', outcome: 'cancelled', error: null };
    case 'deadline':
      return {
        kind: 'finish',
        outcome: 'expired',
        error: { name: 'AttemptStopped', message: `${STOPPED_BECAUSE.deadline} before it started` },
      };
    case 'overlap':
      return {
        kind: 'finish',
        outcome: 'cancelled',
        error: { name: 'Overlap', message: overlapMessage(concurrencyKey) },
        reason: 'overlap',
      };
  }
}

function overlapMessage(concurrencyKey: string | null): string {
  const own = readOverlapKey(concurrencyKey);
  if (own === null) return 'another run of its schedule was still running when it was to start';
  const key = `concurrency key ${JSON.stringify(own.key)}`;
  switch (own.overlap.mode) {
    case 'skip':
      return `another run of its ${key} was still running when it was to start`;
    case 'queue':
      return `another run of its ${key} was still running when it was to start, and ${own.overlap.max} waited before it`;
    case 'replace':
    case 'latest':
      return `a later run of its ${key} took its place while it waited`;
  }
}

/** The words for a running run whose place the later one takes. */
export function replacedBy({ concurrencyKey }: ClaimedRun): string {
  const own = readOverlapKey(concurrencyKey);
  return own === null
    ? STOPPED_BECAUSE.replaced
    : `a later run of its concurrency key ${JSON.stringify(own.key)} takes its place`;
}
