// The shapes of requests that act on many runs, and of their answers.
import { z } from 'zod';
import { spanOf } from './run.shapes.js';
import { instantInput, resourceName } from '../requests/shapes.js';

const fields = {
  jobType: resourceName.optional(),
  queue: resourceName.optional(),
  tag: z.string().min(1).max(100).optional(),
  schedule: resourceName.optional().describe('Only runs of this schedule.'),
  createdAfter: instantInput.optional().describe('Inclusive.'),
  createdBefore: instantInput.optional().describe('Exclusive.'),
};

const NOT_EMPTY = 'expected at least one field, got none; an empty filter would mean every run';
const isNotEmpty = (filter: object): boolean => Object.values(filter).some((value) => value !== undefined);

const expectedCount = z
  .int()
  .min(0)
  .max(1_000_000)
  .optional()
  .describe('How many runs the caller expects to match; if another number matches, nothing is done.');

const openState = z.enum(['scheduled', 'queued', 'running', 'retrying']);
const endedState = z.enum(['failed', 'dead-lettered', 'cancelled', 'expired']);

export const bulkCancel = z.strictObject({
  filter: z
    .strictObject({ state: openState.optional(), ...fields })
    .refine(isNotEmpty, NOT_EMPTY)
    .superRefine(spanOf('createdAfter', 'createdBefore')),
  expectedCount,
});
export type BulkCancel = z.output<typeof bulkCancel>;

export const bulkRetry = z.strictObject({
  filter: z
    .strictObject({
      state: endedState.optional().describe('Default: failed and dead-lettered.'),
      ...fields,
    })
    .refine(isNotEmpty, NOT_EMPTY)
    .superRefine(spanOf('createdAfter', 'createdBefore')),
  expectedCount,
});
export type BulkRetry = z.output<typeof bulkRetry>;

export type BulkFilter = BulkCancel['filter'] | BulkRetry['filter'];

const more = z
  .boolean()
  .describe('One request acts on at most 10,000 runs. If true, there may be others: send it again.');

export const cancelledRuns = z.object({
  cancelled: z.int().describe('Runs that were not running and are cancelled now.'),
  requested: z.int().describe('Runs whose replica or worker was asked to end them.'),
  more,
});

/** At most so many skipped runs are listed one by one. */
export const SKIPPED_SHOWN = 100;

export const retriedRuns = z.object({
  retried: z.int(),
  skipped: z
    .int()
    .describe('Runs left as they were, because another run holds their unique key, or has their due time.'),
  skippedRuns: z
    .array(z.object({ id: z.uuid(), reason: z.string(), heldBy: z.uuid() }))
    .describe(`The first ${SKIPPED_SHOWN} of them.`),
  more,
});
