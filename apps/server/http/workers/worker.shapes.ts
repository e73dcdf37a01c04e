// The shapes of workers and leases in requests and answers.
import { z } from 'zod';
import { leaseSeconds, retryInput, timeoutSeconds } from '../job-types/job-type.shapes.js';
import { pageQuery } from '../answers/page-token.js';
import { checkedByPart } from '../requests/schema.pipe.js';
import { previousFire } from '../fires/previous-fire.shapes.js';
import { lockWishes } from '../requests/lock-wishes.js';
import { keyDefaultsInput } from '../runs/keys/key-options.shapes.js';
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
  locks: lockWishes.optional(),
  keyDefaults: keyDefaultsInput.optional(),
});
export type PulledJobType = z.output<typeof pulledJobType>;

export const workerInput = z.strictObject({
  name: z.string().min(1).max(100),
  jobTypes: z.array(pulledJobType).min(1).max(JOB_TYPES_MAX),
  concurrency: z.int().min(1).max(10_000).default(1).describe('How many runs it works on at once.'),
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
      .describe('What the worker is asked to do; heartbeatAt shows whether it is alive.'),
    registeredAt: instant,
    heartbeatAt: instant.describe('A worker without a heartbeat for a day is forgotten.'),
    leases: z.int().describe('How many runs it holds.'),
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
  max: z
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe(
      'Fewer are returned when their payloads and details are large: at least one, and none after the first 1 MiB. The others stay offered.',
    ),
  waitSeconds: z.int().min(0).max(50).default(0).describe('How long to wait for the first one.'),
  requestId: z
    .string()
    .min(1)
    .max(100)
    .describe('Made by the worker. A repeated one, with the same jobTypes and max, returns the same leases.'),
});
export type AcquireInput = z.output<typeof acquireInput>;

export const acquired = z
  .object({
    leases: z.array(
      z.object({
        token: z.string().describe('Names the lease in all further calls, which need no other key.'),
        fencingToken: z
          .int()
          .describe('Grows with each lease: let the systems that you write to refuse a smaller one.'),
        leaseSeconds: z.number().describe('The lease is lost after so long without a heartbeat.'),
        timeoutSeconds: z.number().describe('The lease is lost when it has not ended after so long.'),
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
          locks: z
            .record(z.string(), z.int())
            .describe('The tokens of the locks that the attempt holds, by their names.'),
          details: z
            .unknown()
            .describe('The details of the last heartbeat of an earlier attempt that had some.'),
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
    progress: heartbeatProgress.optional().describe('How far the attempt is; shown with the run.'),
    details: z.unknown().optional().describe('State of the attempt; passed to the next one.'),
  }),
  { target: 'draft-2020-12', io: 'input' },
);
/** Described here, and checked part by part once the lease is kept. */
export const heartbeatInput = checkedByPart(z.unknown().meta(describedHeartbeat));
/** One JSON object a line, each checked by itself once the lease is kept. */
export const logInput = checkedByPart(z.unknown());

const dropped = z
  .array(z.object({ pointer: z.string(), detail: z.string() }))
  .optional()
  .describe('The parts of the body that could not be kept, if any; the lease is kept all the same.');

export const beat = z
  .object({
    cancelRequested: z
      .boolean()
      .describe('If true, stop and fail or release the lease: the run ends as cancelled.'),
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
  error: errorInput.optional().describe('Why the work is no longer wanted.'),
});
export type CancelInput = z.output<typeof cancelInput>;

export const failInput = z.strictObject({
  error: errorInput,
  retryable: z.boolean().default(true).describe('False if another attempt would be pointless.'),
  retryAfterSeconds: z
    .number()
    .min(0)
    .max(PUT_OFF_SECONDS_MAX)
    .optional()
    .describe('The next attempt starts no sooner.'),
});
export type FailInput = z.output<typeof failInput>;

export const snoozeInput = z.strictObject({
  seconds: z
    .number()
    .min(0)
    .max(PUT_OFF_SECONDS_MAX)
    .describe('The next attempt starts after so long; this is not a failure.'),
});
export type SnoozeInput = z.output<typeof snoozeInput>;

export const noInput = z.strictObject({});
export const noOutput = z.object({});

export const leaseEnd = z
  .object({ runId: z.uuid(), state: z.string().describe('The state of the run now.') })
  .meta({ id: 'LeaseEnd' });

export const previousFireAnswer = z
  .object({ previousFire: previousFire.nullable() })
  .meta({ id: 'LeasePreviousFire' });

export const accepted = z.object({ lines: z.int(), dropped }).meta({ id: 'AcceptedLogLines' });
