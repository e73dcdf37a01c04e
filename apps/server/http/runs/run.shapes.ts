// The shape of a run in requests and answers.
import { z } from 'zod';
import { RUN_STATES } from '#client/http/runs/run-shapes.js';
import { isStoredKey } from '#kernel/keys/key-overlap.js';
import { systemClock } from '#database/runtime/system-clock.js';
import type { RunRow } from '#execution/runs/run-row.js';
import { inDigits } from '../answers/in-digits.js';
import { pageQuery } from '../answers/page-token.js';
import { instant, instantInput, resourceName } from '../requests/shapes.js';
import {
  checkKeys,
  debounceInput,
  keyOverlap,
  keyOverlapInput,
  orderInput,
  showKey,
} from './keys/key-options.shapes.js';

const runState = z.enum(RUN_STATES);

/** Refuses an empty span: `to` excludes its instant, so it must come after `from`. */
export const spanOf =
  (from: string, to: string) =>
  (given: object, context: z.RefinementCtx): void => {
    const { [from]: first, [to]: last } = given as Record<string, unknown>; // fields that are optional instants
    if (typeof first !== 'string' || typeof last !== 'string' || Date.parse(first) < Date.parse(last)) return;
    context.addIssue({
      code: 'custom',
      path: [to],
      message: `expected an instant after ${from}`,
      input: last,
    });
  };
const tag = z.string().min(1).max(100);

const unique = z.strictObject({
  key: z.string().min(1).max(200).describe('At most one run of the tenant holds a key.'),
  windowSeconds: z
    .int()
    .min(1)
    .max(31_536_000)
    .optional()
    .describe('How long the run holds the key, counted from now. Default: until the run has ended.'),
  onConflict: z
    .enum(['return', 'replace', 'reject'])
    .default('return')
    .describe(
      'When a run holds the key: `return` answers 200 with it, `replace` gives that run the values of this request if it has not been claimed (409 otherwise), `reject` answers 409.',
    ),
});

/** What a run says of itself, and a schedule of its runs. */
export const runOptions = {
  queue: resourceName.describe('Each queue can be paused on its own. Default: `default`.'),
  concurrencyKey: z
    .string()
    .min(1)
    .max(200)
    .refine((key) => !isStoredKey(key), {
      error: 'expected a key that does not have the form of one with an overlap mode',
    })
    .describe('Runs of the job type with the same key share maxConcurrentPerKey.'),
  tags: z.array(tag).max(20),
  priority: z
    .int()
    .min(-100)
    .max(100)
    .describe('Higher goes first among the runs of the tenant; a step is worth a minute of waiting.'),
};

export const runInput = z
  .strictObject({
    jobType: resourceName,
    payload: z.unknown().default({}),
    queue: runOptions.queue.default('default'),
    concurrencyKey: runOptions.concurrencyKey.optional(),
    overlap: keyOverlapInput.optional(),
    order: orderInput.optional(),
    tags: runOptions.tags.default([]),
    priority: runOptions.priority.default(0),
    deadline: instantInput
      .optional()
      .describe(
        'When the run expires, even if it is running; later than now and than its earliest start. Default: never.',
      ),
    runAt: instantInput.optional().describe('The run starts no sooner. Default: now.'),
    delaySeconds: z
      .number()
      .min(0)
      .max(315_360_000)
      .optional()
      .describe('The run starts no sooner than so long from now.'),
    unique: unique.optional(),
    debounce: debounceInput
      .optional()
      .describe(
        'While a run of the key waits, another call gives that run its values and moves its start, and answers 200 with it.',
      ),
  })
  .superRefine(checkKeys)
  .superRefine(({ runAt, debounce, delaySeconds, deadline }, context) => {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message, input: undefined });
    if (runAt !== undefined && delaySeconds !== undefined)
      refuse('delaySeconds', 'expected no delaySeconds beside runAt');
    if (deadline === undefined) return;
    const endsAt = Date.parse(deadline);
    const now = systemClock.now();
    if (endsAt <= now.getTime())
      refuse(
        'deadline',
        `expected an instant after now (${now.toISOString()}), since it would expire at once`,
      );
    else if (runAt !== undefined && endsAt <= Date.parse(runAt))
      refuse('deadline', 'expected an instant after runAt');
    else if (endsAt <= now.getTime() + (debounce?.delaySeconds ?? delaySeconds ?? 0) * 1_000)
      refuse('deadline', 'expected an instant after delaySeconds have passed');
  });
export type RunInput = z.output<typeof runInput>;

const runError = z.looseObject({ name: z.string(), message: z.string(), stack: z.string().optional() });

export const run = z
  .object({
    id: z.uuid(),
    jobType: z.string(),
    queue: z.string(),
    concurrencyKey: z.string().nullable(),
    overlap: keyOverlap.nullable().describe('What its maker or its schedule said about runs that meet.'),
    order: z
      .literal('strict')
      .nullable()
      .describe('Whether the runs of its concurrencyKey start in their order.'),
    tags: z.array(z.string()),
    deadline: instant.nullable(),
    progress: z
      .object({
        fraction: z.number().min(0).max(1),
        message: z.string().nullable(),
        attempt: z.int(),
        at: instant,
      })
      .nullable()
      .describe('The last progress that an attempt reported.'),
    cancelRequestedAt: instant.nullable(),
    state: runState,
    scheduleId: z.uuid().nullable(),
    schedule: z.string().nullable().describe('Its name, unless it was deleted since.'),
    dueAt: instant.nullable(),
    payload: z.unknown(),
    priority: z.int(),
    runAt: instant,
    attempt: z
      .int()
      .describe('The number of the last attempt, of the one under way, or of the next; counted from 1.'),
    pastAttempts: z
      .array(
        z.looseObject({
          attempt: z.int(),
          outcome: z.enum(['failed', 'timed-out', 'lost', 'snoozed', 'released', 'cancelled', 'expired']),
          replica: z.int().optional(),
          replicaName: z.string().optional().describe('Its CARILLON_NAME.'),
          worker: z.uuid().optional(),
          startedAt: instant.optional(),
          finishedAt: instant.optional(),
          error: runError.optional(),
        }),
      )
      .describe('The attempts before this one, the newest 100 of them.'),
    createdAt: instant,
    replica: z.int().nullable(),
    replicaName: z.string().nullable().describe('Its CARILLON_NAME.'),
    worker: z.uuid().nullable().describe('The worker outside of the replicas that runs it or has ended it.'),
    startedAt: instant.nullable(),
    finishedAt: instant.nullable(),
    output: z.unknown(),
    error: runError.nullable(),
    locks: z
      .array(z.object({ name: z.string(), token: z.int().nullable() }))
      .describe('Which its attempt holds; with a null token those for which it stands in line.'),
  })
  .meta({ id: 'Run' });

export const createdRun = z
  .object({
    ...run.shape,
    deduplicated: z
      .boolean()
      .describe(
        'True if a run held the unique key or waited under the debounce key already; this is that run.',
      ),
    replaced: z.boolean().describe('True if that run has the values of this request now.'),
  })
  .meta({ id: 'CreatedRun' });

export const runsQuery = z
  .strictObject({
    ...pageQuery,
    state: runState.optional(),
    schedule: resourceName.optional().describe('Only runs of this schedule.'),
    queue: resourceName.optional(),
    jobType: resourceName.optional(),
    tag: tag.optional(),
    createdAfter: instantInput.optional().describe('Created then or later.'),
    createdBefore: instantInput.optional().describe('Created before then.'),
  })
  .superRefine(spanOf('createdAfter', 'createdBefore'));
export type RunsQuery = z.output<typeof runsQuery>;

export function showRun({ pastAttempts, tags, locks, ...row }: RunRow) {
  return {
    ...row,
    ...showKey(row.concurrencyKey),
    tags: tags ?? [],
    locks: locks ?? [],
    pastAttempts: (pastAttempts ?? []).map(showAttempt),
  };
}

/** Times that the database wrote have more decimals and an offset. */
function showAttempt(attempt: object): object {
  const { startedAt, finishedAt } = attempt as Record<string, unknown>;
  const inUtc = (at: unknown) => (typeof at === 'string' ? new Date(at).toISOString() : undefined);
  const times = { startedAt: inUtc(startedAt), finishedAt: inUtc(finishedAt) };
  return { ...attempt, ...Object.fromEntries(Object.entries(times).filter(([, at]) => at !== undefined)) };
}

export const waitQuery = z.strictObject({
  wait: inDigits(z.number().min(0).max(60))
    .default(0)
    .describe('Seconds to wait for the run to end before answering.'),
});
export type WaitQuery = z.output<typeof waitQuery>;
