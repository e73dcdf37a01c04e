// What does a job type say of a run that names a concurrency key and says nothing beside it?
import type { JobType } from '#execution/job-types/job-type.js';
import { OVERLAP_KEY_MAX } from '#kernel/keys/key-overlap.js';
import type { WantedRun } from './wanted-run.js';

type SaidOfKey = Pick<WantedRun, 'concurrencyKey' | 'overlap' | 'order' | 'scheduleId'>;
type Defaulting = Pick<JobType, 'keyDefaults'> | null | undefined;

/** Whether the defaults of its job type are for it, if there are any. A schedule says itself what becomes of its runs. */
export function takesKeyDefaults({ concurrencyKey, overlap, order, scheduleId }: SaidOfKey): boolean {
  const isSaid = overlap !== undefined || order !== undefined || (scheduleId ?? null) !== null;
  return concurrencyKey !== undefined && !isSaid;
}

export function withKeyDefaults(wanted: WantedRun, jobType: Defaulting): WantedRun {
  if (!takesKeyDefaults(wanted)) return wanted;
  return { ...wanted, ...jobType?.keyDefaults };
}

/** Null when the key is short enough for what its job type says of it. */
export function whyKeyUnfit(wanted: SaidOfKey, jobType: Defaulting): string | null {
  const length = wanted.concurrencyKey?.length ?? 0;
  if (!takesKeyDefaults(wanted) || (jobType?.keyDefaults ?? null) === null || length <= OVERLAP_KEY_MAX)
    return null;
  return `expected at most ${OVERLAP_KEY_MAX} characters, since the job type has keyDefaults, got ${length}`;
}
