// The row of a schedule, and how it is read.
import type { Overlap } from '#kernel/schedule-key.js';
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import { isInstant, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { readCatchUp } from '#scheduling/stored-catch-up.js';
import { readSpec } from '#scheduling/stored-spec.js';
import { SOURCE_COLUMNS } from './schedule-source.repository.js';
import { readOverlap } from './stored-run-options.js';

/** What the row itself says. */
export const saidColumns = [
  'id',
  'tenant_id as tenantId',
  'slot',
  'name',
  'job_type as jobType',
  'spec',
  'catch_up as catchUp',
  'payload',
  'queue',
  'concurrency_key as concurrencyKey',
  'tags',
  'priority',
  'deadline_seconds as deadlineSeconds',
  'jitter_seconds as jitterSeconds',
  'jitter_ms as jitterMs',
  'pause_after_failures as pauseAfterFailures',
  'locks',
  'labels',
  'state',
  'paused_at as pausedAt',
  'paused_until as pausedUntil',
  'pause_reason as pauseReason',
  'next_due_at as nextDueAt',
  'spec_since as specSince',
  ...SOURCE_COLUMNS,
  'created_at as createdAt',
  'updated_at as updatedAt',
  'revision',
] as const;

interface Stored {
  spec: unknown;
  catchUp: unknown;
  concurrencyKey: string | null;
  nextDueAt: Date | null;
}

/** Null where it can't be read. */
interface Read {
  spec: ScheduleSpec | null;
  catchUp: CatchUp | null;
  overlap: Overlap;
  concurrencyKey: string | null;
  nextDueAt: Date | null;
}

export function readable<Row extends Stored>(row: Row): Omit<Row, keyof Stored> & Read {
  const { spec, catchUp, concurrencyKey, nextDueAt } = row;
  // The driver reads infinity as a number.
  const isReadable = nextDueAt instanceof Date && isInstant(nextDueAt);
  return {
    ...row,
    spec: readSpec(spec),
    catchUp: readCatchUp(catchUp),
    ...readOverlap(concurrencyKey),
    nextDueAt: isReadable ? nextDueAt : null,
  };
}
