// How is what a schedule says of its runs written into its row? A policy of overlap goes into the concurrency key, where
// the owner of the slot finds it.
import { placementHash } from '#database/runtime/hash.js';
import type { ScheduleId } from '#kernel/ids.js';
import { DEFAULT_OVERLAP, readScheduleKey, scheduleKey, type Overlap } from '#kernel/schedule-key.js';
import { jitterMs } from './decisions/jitter.js';

/** What its runs say of themselves, each null for the default of a run. */
export interface ScheduleRunOptions {
  queue: string | null;
  /** Null if they may not overlap: then their key is the schedule's own. */
  concurrencyKey: string | null;
  tags: readonly string[] | null;
  priority: number | null;
  /** A run expires so long after it was to start, or was planned if that came later. */
  deadlineSeconds: number | null;
  /** Its runs start later than they are due, by less than this; null for at once. */
  jitterSeconds: number | null;
}

/** What a schedule is found by. */
export type Labels = Readonly<Record<string, string>>;

/** What a change leaves out stays as it is. */
export type RunsChange = Partial<
  ScheduleRunOptions & { overlap: Overlap; pauseAfterFailures: number | null; labels: Labels }
>;

export function writeRunOptions(
  scheduleId: ScheduleId,
  { queue, tags, priority, deadlineSeconds, jitterSeconds, pauseAfterFailures, labels, ...ofKey }: RunsChange,
) {
  const key = keyToWrite(scheduleId, ofKey);
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(key === undefined ? {} : { concurrency_key: key }),
    ...(tags === undefined ? {} : { tags: tags === null || tags.length === 0 ? null : [...tags] }),
    ...(priority === undefined ? {} : { priority }),
    ...(deadlineSeconds === undefined ? {} : { deadline_seconds: deadlineSeconds }),
    ...(jitterSeconds === undefined ? {} : writeJitter(scheduleId, jitterSeconds)),
    ...(pauseAfterFailures === undefined ? {} : { pause_after_failures: pauseAfterFailures }),
    ...(labels === undefined ? {} : { labels: JSON.stringify(labels) }),
  };
}

/** For the planner's statement, by how much the runs of this schedule are put off. */
function writeJitter(scheduleId: ScheduleId, seconds: number | null) {
  const given = seconds === null || seconds === 0 ? null : seconds;
  const ofSchedule = given && jitterMs({ hash: placementHash(scheduleId), jitterSeconds: given });
  return { jitter_seconds: given, jitter_ms: ofSchedule };
}

/** Undefined to leave what is stored. */
function keyToWrite(
  scheduleId: ScheduleId,
  { overlap, concurrencyKey }: Pick<RunsChange, 'overlap' | 'concurrencyKey'>,
): string | null | undefined {
  if (overlap === undefined) return concurrencyKey;
  return overlap.mode === 'allow' ? (concurrencyKey ?? null) : scheduleKey({ scheduleId, overlap });
}

/** From the stored key. */
export function readOverlap(key: string | null): { overlap: Overlap; concurrencyKey: string | null } {
  const own = readScheduleKey(key);
  return own === null
    ? { overlap: DEFAULT_OVERLAP, concurrencyKey: key }
    : { overlap: own.overlap, concurrencyKey: null };
}
