// How is what a schedule says of its runs written into its row? A policy of overlap goes into the concurrency key, where
// the owner of the slot finds it.
import { placementHash } from '#database/runtime/hash.js';
import type { ScheduleId } from '#kernel/ids.js';
import { DEFAULT_OVERLAP, readScheduleKey, scheduleKey, type Overlap } from '#kernel/schedule-key.js';
import type { LockWish } from '#locks/lock.js';
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
  /** What they need besides the locks of their job type. */
  locks: readonly LockWish[] | null;
}

/** What a schedule is found by. */
export type Labels = Readonly<Record<string, string>>;

/** What a change leaves out stays as it is. */
export type RunsChange = Partial<
  ScheduleRunOptions & { overlap: Overlap; pauseAfterFailures: number | null; labels: Labels }
>;

/** What decides about the key of its runs. */
export interface KeyParts {
  overlap: Overlap;
  concurrencyKey: string | null;
  locks: readonly LockWish[] | null;
}

const NO_KEY: KeyParts = { overlap: DEFAULT_OVERLAP, concurrencyKey: null, locks: null };

/** `current` is what is stored; nothing of a new schedule. */
export function writeRunOptions(scheduleId: ScheduleId, change: RunsChange, current: KeyParts = NO_KEY) {
  const { queue, tags, priority, deadlineSeconds, jitterSeconds, pauseAfterFailures, labels, locks } = change;
  const key = keyToWrite(scheduleId, change, current);
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(key === undefined ? {} : { concurrency_key: key }),
    ...(tags === undefined ? {} : { tags: tags === null || tags.length === 0 ? null : [...tags] }),
    ...(priority === undefined ? {} : { priority }),
    ...(deadlineSeconds === undefined ? {} : { deadline_seconds: deadlineSeconds }),
    ...(jitterSeconds === undefined ? {} : writeJitter(scheduleId, jitterSeconds)),
    ...(pauseAfterFailures === undefined ? {} : { pause_after_failures: pauseAfterFailures }),
    ...(locks === undefined ? {} : { locks: hasLocks(locks) ? JSON.stringify(locks) : null }),
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
  change: Partial<KeyParts>,
  current: KeyParts,
): string | null | undefined {
  const { overlap, concurrencyKey, locks } = change;
  if (overlap === undefined && concurrencyKey === undefined && locks === undefined) return undefined;
  return keyOfRuns(scheduleId, {
    overlap: overlap ?? current.overlap,
    concurrencyKey: concurrencyKey === undefined ? current.concurrencyKey : concurrencyKey,
    locks: locks === undefined ? current.locks : locks,
  });
}

/** Those of a schedule with locks stand in a lane of their own, so that none that needs no lock waits behind them. */
export function keyOfRuns(
  scheduleId: ScheduleId,
  { overlap, concurrencyKey, locks }: KeyParts,
): string | null {
  if (overlap.mode !== 'allow') return scheduleKey({ scheduleId, overlap });
  return concurrencyKey ?? (hasLocks(locks) ? scheduleKey({ scheduleId, overlap }) : null);
}

function hasLocks(locks: readonly LockWish[] | null): boolean {
  return locks !== null && locks.length > 0;
}

/** From the stored key. */
export function readOverlap(key: string | null): { overlap: Overlap; concurrencyKey: string | null } {
  const own = readScheduleKey(key);
  return own === null
    ? { overlap: DEFAULT_OVERLAP, concurrencyKey: key }
    : { overlap: own.overlap, concurrencyKey: null };
}
