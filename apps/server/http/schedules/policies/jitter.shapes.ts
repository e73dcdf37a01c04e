// The shape of a schedule's jitter in requests, and when a run starts that has one.
import { z } from 'zod';
import { startOf } from '#scheduling/schedules/decisions/jitter.js';

const JITTER_SECONDS_MAX = 86_400;

export const jitterSeconds = z
  .int()
  .min(0)
  .max(JITTER_SECONDS_MAX)
  .describe(
    'Its runs start later than they are due, all by the same part of this, which the id decides. 0 is none.',
  );

/** The jitter of a draft, which has no id yet, or that of a stored schedule, by how much its runs start later. */
export type Jitter = { seconds: number | null | undefined } | { ms: number | null };

/** Null where only an id would decide it. */
export function showStart(dueAt: Date, jitter: Jitter): Date | null {
  if ('ms' in jitter) return startOf(dueAt, jitter.ms);
  return jitter.seconds ? null : dueAt;
}
