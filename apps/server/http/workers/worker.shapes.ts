// What do workers and leases look like from outside?
import { z } from 'zod';
import { leaseSeconds, retryInput, timeoutSeconds } from '../job-types/job-type.shapes.js';
import { pageQuery } from '../answers/page-token.js';
import { checkedByPart } from '../requests/schema.pipe.js';
import { fewFields, instant, jsonObject, resourceName } from '../requests/shapes.js';

const JOB_TYPES_MAX = 200;
const LABELS_MAX = 100;
const label = z.string().max(200);

const pulledJobType = z.strictObject({
  name: resourceName,
  payloadSchema: jsonObject
    .nullable()
    .optional()
    .describe('JSON Schema that the payload of each run must fit.'),
  leaseSeconds: leaseSeconds.optional(),
  timeoutSeconds: timeoutSeconds.optional(),
  retry: retryInput.optional(),
});
export type PulledJobType = z.output<typeof pulledJobType>;

export const workerInput = z.strictObject({
  name: z.string().min(1).max(100),
  jobTypes: z.array(pulledJobType).min(1).max(JOB_TYPES_MAX),
  concurrency: z.int().min(1).max(10_000).default(1).describe('Runs that it works on at once.'),
  labels: fewFields(z.record(label, label), LABELS_MAX, 'labels').default({}),
});
export type WorkerInput = z.output<typeof workerInput>;

export const registeredWorker = z
  .object({ workerId: z.uuid(), heartbeatSeconds: z.int() })
  .meta({ id: 'RegisteredWorker' });

export const worker = z
  .object({
    id: z.uuid(),
    name: z.string(),
    jobTypes: z.array(z.string()),
    concurrency: z.int(),
    labels: z.record(z.string(), z.string()),
    state: z
      .enum(['run', 'quiet', 'terminate'])
      .describe('What the worker is told to do; whether it is alive is to be seen from heartbeatAt.'),
    registeredAt: instant,
    heartbeatAt: instant.describe('A worker that was not heard of for a day is forgotten.'),
    leases: z.int().describe('Runs that it holds.'),
  })
  .meta({ id: 'Worker' });

export const workersQuery = z.strictObject(pageQuery);
export type WorkersQuery = z.output<typeof workersQuery>;

export const workerState = z
  .object({ state: z.enum(['run', 'quiet', 'terminate']) })
  .meta({ id: 'WorkerState' });

export const acquireInput = z.strictObject({
  workerId: z.uuid('expected a UUID'),
  jobTypes: z.array(resourceName).min(1).max(JOB_TYPES_MAX),
  max: z.int().min(1).max(100).default(1),
  waitSeconds: z.int().min(0).max(50).default(0).describe('How long to wait for the first one.'),
  requestId: z
    .string()
    .min(1)
    .max(100)
    .describe(
      'Made by the worker. The same one again, with the same jobTypes and max, gives the same leases again.',
    ),
});
export type AcquireInput = z.output<typeof acquireInput>;

export const acquired = z
  .object({
    leases: z.array(
      z.object({
        token: z.string().describe('Names the lease in all further calls, and is all the key they need.'),
        fencingToken: z.int().describe('Grows with each lease: let what you write to refuse a smaller one.'),
        leaseSeconds: z.number().describe('Lost when there is no heartbeat for so long.'),
        timeoutSeconds: z.number().describe('Lost when it is not ended after so long.'),
        run: z.object({
          id: z.uuid(),
          jobType: z.string(),
          queue: z.string(),
          concurrencyKey: z.string().nullable(),
          tags: z.array(z.string()),
          payload: z.unknown(),
          priority: z.int(),
          attempt: z.int(),
          scheduleId: z.uuid().nullable(),
          dueAt: instant.nullable(),
          runAt: instant,
          deadline: instant.nullable(),
          details: z.unknown().describe('What an earlier attempt said of where it was.'),
        }),
      }),
    ),
  })
  .meta({ id: 'AcquiredLeases' });

export const heartbeatProgress = z.strictObject({
  fraction: z.number().min(0).max(1),
  message: z.string().max(1_000).optional(),
});
export type HeartbeatProgress = z.output<typeof heartbeatProgress>;

const { $schema: _dialect, ...describedHeartbeat } = z.toJSONSchema(
  z.strictObject({
    progress: heartbeatProgress.optional().describe('How far it is; shown with the run.'),
    details: z.unknown().optional().describe('Where it is; handed to the next attempt.'),
  }),
  { target: 'draft-2020-12', io: 'input' },
);
/** Described here, and looked at part by part once the lease is kept. */
export const heartbeatInput = checkedByPart(z.unknown().meta(describedHeartbeat));
/** One JSON object a line, each looked at by itself once the lease is kept. */
export const logInput = checkedByPart(z.unknown());

const dropped = z
  .array(z.object({ pointer: z.string(), detail: z.string() }))
  .optional()
  .describe('What could not be kept of what was said, if anything; the lease is kept all the same.');

export const beat = z
  .object({
    cancelRequested: z.boolean().describe('Stop, and fail or release the lease: the run ends as cancelled.'),
    leaseExpiresAt: instant,
    dropped,
  })
  .meta({ id: 'LeaseHeartbeat' });

export const completeInput = z.strictObject({ output: z.unknown().default(null) });
export type CompleteInput = z.output<typeof completeInput>;

const PUT_OFF_SECONDS_MAX = 30 * 86_400;

const errorInput = z.strictObject({
  name: z.string().min(1).max(200).default('Error'),
  message: z.string().max(2_000),
  stack: z.string().max(4_000).optional(),
});
export type ErrorInput = z.output<typeof errorInput>;

export const cancelInput = z.strictObject({
  error: errorInput.optional().describe('Why the work is not wanted any more.'),
});
export type CancelInput = z.output<typeof cancelInput>;

export const failInput = z.strictObject({
  error: errorInput,
  retryable: z.boolean().default(true).describe('False: trying again would be pointless.'),
  retryAfterSeconds: z.number().min(0).max(PUT_OFF_SECONDS_MAX).optional().describe('Not before this.'),
});
export type FailInput = z.output<typeof failInput>;

export const snoozeInput = z.strictObject({
  seconds: z
    .number()
    .min(0)
    .max(PUT_OFF_SECONDS_MAX)
    .describe('Once more after this, as the next attempt; it is no failure.'),
});
export type SnoozeInput = z.output<typeof snoozeInput>;

export const noInput = z.strictObject({});
export const noOutput = z.object({});

export const leaseEnd = z
  .object({ runId: z.uuid(), state: z.string().describe('What the run is now.') })
  .meta({ id: 'LeaseEnd' });

export const accepted = z.object({ lines: z.int(), dropped }).meta({ id: 'AcceptedLogLines' });
