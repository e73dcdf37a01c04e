// How many of the next due times does a step of a backfill deal with, and which of them run? Due times that have run, or are
// planned, are passed over and need no place. The others need one each, so the step ends before the first that finds none.

/** Outcomes of the ledger that a backfill leaves as they are. */
const THERE: ReadonlySet<string> = new Set(['planned', 'fired', 'late']);

export interface Batch {
  /** How many of the due times are dealt with, from the first on. */
  passed: number;
  /** Those of them that are to run. */
  toRun: Date[];
}

interface Room {
  /** By the number of milliseconds; none for a due time without a row. */
  outcomes: ReadonlyMap<number, string>;
  places: number;
}

export function batchOf(dueTimes: readonly Date[], { outcomes, places }: Room): Batch {
  const batch: Batch = { passed: 0, toRun: [] };
  for (const dueAt of dueTimes) {
    if (!isThere(outcomes.get(dueAt.getTime()))) {
      if (batch.toRun.length >= places) break;
      batch.toRun.push(dueAt);
    }
    batch.passed += 1;
  }
  return batch;
}

/** Whether a due time with this outcome is left as it is. */
export function isThere(outcome: string | undefined): boolean {
  return outcome !== undefined && THERE.has(outcome);
}

/** How many more runs an operation may make now. */
export function placesLeft({
  maxUnfinished,
  unfinished,
  maxQueued,
  queued,
}: {
  maxUnfinished: number;
  /** Its own. */
  unfinished: number;
  /** Null for a tenant without a limit. */
  maxQueued: number | null;
  /** The tenant's, counted no further than its limit. */
  queued: number;
}): number {
  const ofTenant = maxQueued === null ? Number.POSITIVE_INFINITY : maxQueued - queued;
  return Math.max(0, Math.min(maxUnfinished - unfinished, ofTenant));
}
