// What does a run look like from outside?
import { z } from 'zod';
import type { RunRow } from '#execution/run.repository.js';
import { pageQuery } from './page-token.js';
import { instant, resourceName } from './shapes.js';

const runState = z.enum([
  'scheduled',
  'queued',
  'running',
  'retrying',
  'succeeded',
  'failed',
  'cancelled',
  'expired',
  'dead-lettered',
]);

export const runInput = z.strictObject({
  jobType: resourceName,
  payload: z.unknown().default({}),
  queue: resourceName.default('default').describe('Can be paused by itself.'),
  concurrencyKey: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Runs of the job type with the same key share maxConcurrentPerKey.'),
  tags: z.array(z.string().min(1).max(100)).max(20).default([]),
  priority: z
    .int()
    .min(-100)
    .max(100)
    .default(0)
    .describe('Higher goes first among the runs of the tenant; a step is worth a minute of waiting.'),
  deadline: z.iso
    .datetime({ offset: true, error: 'expected an instant like 2026-11-21T08:30:00Z' })
    .optional()
    .describe('When the run expires, whatever it is doing. Default: never.'),
  runAt: z.iso
    .datetime({ offset: true, error: 'expected an instant like 2026-11-21T08:30:00Z' })
    .optional()
    .describe('Not before this. Default: now.'),
});
export type RunInput = z.output<typeof runInput>;

const runError = z.looseObject({ name: z.string(), message: z.string(), stack: z.string().optional() });
/** Written by the database or by us, and so with any number of decimals and perhaps an offset. */
const instantOfJson = z.iso.datetime({ offset: true }).describe('RFC 3339');

export const run = z
  .object({
    id: z.uuid(),
    jobType: z.string(),
    queue: z.string(),
    concurrencyKey: z.string().nullable(),
    tags: z.array(z.string()),
    deadline: instant.nullable(),
    progress: z.looseObject({}).nullable(),
    cancelRequestedAt: instant.nullable(),
    state: runState,
    scheduleId: z.uuid().nullable(),
    dueAt: instant.nullable(),
    payload: z.unknown(),
    priority: z.int(),
    runAt: instant,
    attempt: z.int().describe('The attempt that ended it, or the one under way or to come; counted from 1.'),
    pastAttempts: z
      .array(
        z.looseObject({
          attempt: z.int(),
          outcome: z.enum(['failed', 'timed-out', 'lost', 'snoozed', 'released', 'cancelled', 'expired']),
          replica: z.int().optional(),
          startedAt: instantOfJson.optional(),
          finishedAt: instantOfJson.optional(),
          error: runError.optional(),
        }),
      )
      .describe('The attempts before this one, the newest 100 of them.'),
    createdAt: instant,
    replica: z.int().nullable(),
    startedAt: instant.nullable(),
    finishedAt: instant.nullable(),
    output: z.unknown(),
    error: runError.nullable(),
  })
  .meta({ id: 'Run' });

export function showRun({ pastAttempts, tags, ...row }: RunRow) {
  return { ...row, tags: tags ?? [], pastAttempts: pastAttempts ?? [] };
}

export const runsQuery = z.strictObject({
  ...pageQuery,
  state: runState.optional(),
  schedule: resourceName.optional().describe('Only runs of this schedule.'),
});
export type RunsQuery = z.output<typeof runsQuery>;

export const waitQuery = z.strictObject({
  wait: z.coerce
    .number()
    .min(0)
    .max(60)
    .default(0)
    .describe('Seconds to wait for the run to end before answering.'),
});
export type WaitQuery = z.output<typeof waitQuery>;
