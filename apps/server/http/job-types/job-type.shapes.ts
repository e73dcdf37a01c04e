// The shape of a job type in requests and answers: its target, retries and times. A value that could only fail later,
// such as a header that no request can carry, is refused when the job type is made.
import type { Response } from 'express';
import { z } from 'zod';
import { HEARTBEAT_SECONDS, RETRY_SECONDS, TIMEOUT_SECONDS } from '#client/options/job-bounds.js';
import { DEFAULT_RETRY } from '#kernel/backoff.js';
import {
  DEFAULT_LEASE_SECONDS,
  DEFAULT_TIMEOUT_MS,
  storedTarget,
  type JobType,
} from '#execution/job-types/job-type.js';
import { inSeconds, retryInSeconds, retryPolicyOf, wholeMs } from '#execution/job-types/retry-in-seconds.js';
import { jobTypeLimits } from '#execution/limits/limits.js';
import { whyNoEndpoint } from '#execution/endpoints/endpoint-url.js';
import { etagOf } from '../answers/etag.js';
import { lockWishes } from '../requests/lock-wishes.js';
import { keyDefaults, keyDefaultsInput } from '../runs/keys/key-options.shapes.js';
import { fewFields, instant, resourceName } from '../requests/shapes.js';

/** Headers that we set, or that the HTTP client sets for its connection. */
const RESERVED_HEADERS = new Set(
  'webhook-id webhook-timestamp webhook-signature traceparent x-lease-token x-callback-url x-run-id x-attempt x-fencing-token x-fire-time carillon-lock-tokens content-type content-length transfer-encoding host connection keep-alive expect upgrade te trailer'.split(
    ' ',
  ),
);
const HEADERS_MAX = 50;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
const HEADER_VALUE = /^[\t\u{20}-\u{7e}\u{80}-\u{ff}]{0,2000}$/u;

const namedHeaders = z.record(z.string(), z.string()).superRefine((given, context) => {
  const refuse = (path: PropertyKey[], message: string) =>
    context.addIssue({ code: 'custom', path, message, input: given });
  for (const [name, value] of Object.entries(given)) {
    if (!HEADER_NAME.test(name))
      refuse([name], 'expected a header name of up to 100 letters, digits and dashes');
    else if (RESERVED_HEADERS.has(name.toLowerCase()))
      refuse([name], 'expected another header; this one is set for each call');
    else if (!HEADER_VALUE.test(value))
      refuse([name], 'expected a header value of up to 2,000 Latin-1 characters without line breaks');
  }
});

const headers = fewFields(namedHeaders, HEADERS_MAX, 'headers');

const httpUrl = z.string().superRefine((given, context) => {
  const why = whyNoEndpoint(given);
  if (why !== null) context.addIssue({ code: 'custom', message: why, input: given });
});
/** The names that pg-boss allows, except its own and those of the control plane. */
export const queueName = z
  .string()
  .regex(
    /^(?!carillon|__)[\w./-]{1,100}$/,
    'expected the name of a pg-boss queue that does not begin with "carillon" or "__"',
  )
  .describe(
    "A pg-boss queue, one of the tenant's `allowedQueues`. A run has succeeded when its job is in the queue.",
  );
export const leaseSeconds = z.int().min(5).max(3_600);
const target = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('handler'),
      handler: resourceName.describe("One of the tenant's `allowedHandlers`."),
    }),
    z.strictObject({
      kind: z.literal('pull'),
      leaseSeconds: leaseSeconds
        .default(DEFAULT_LEASE_SECONDS)
        .describe('A worker that sends no heartbeat for so long has lost the run.'),
    }),
    z.strictObject({ kind: z.literal('queue'), queue: queueName }),
    z.strictObject({ kind: z.literal('http'), url: httpUrl, headers: headers.default({}) }),
  ])
  .meta({ id: 'JobTarget' });

const retryDelay = z.number().min(RETRY_SECONDS.min).max(RETRY_SECONDS.max);
/** Comes out as it is stored. */
export const retryInput = z
  .strictObject({
    ...retryInSeconds.shape,
    minSeconds: retryDelay.describe('The first delay, before jitter is taken off.'),
    maxSeconds: retryDelay.describe('No delay is longer.'),
    jitter: retryInSeconds.shape.jitter.describe(
      'Up to this part of each delay is taken off by chance, of the first one too: 0.2 makes 10 s to 8 to 10 s.',
    ),
  })
  .partial()
  .superRefine(({ minSeconds, maxSeconds }, context) => {
    if (minSeconds !== undefined && maxSeconds !== undefined && maxSeconds < minSeconds)
      context.addIssue({
        code: 'custom',
        path: ['maxSeconds'],
        message: 'expected at least minSeconds',
        input: maxSeconds,
      });
  })
  .transform(retryPolicyOf)
  .meta({ id: 'RetryPolicy' });

export const timeoutSeconds = z.number().min(TIMEOUT_SECONDS.min).max(TIMEOUT_SECONDS.max);
/** Whether the schema can be used is checked elsewhere: compiling it may take long. */
const jsonSchema = z.record(z.string(), z.unknown());

const neededLocks = lockWishes.describe(
  'Each attempt of a run holds them: it starts once it can have all of them, and they are free when it ends.',
);

const jobTypeFields = z.strictObject({
  name: resourceName,
  target,
  retry: retryInput.prefault(inSeconds(DEFAULT_RETRY)),
  timeoutSeconds: timeoutSeconds.default(DEFAULT_TIMEOUT_MS / 1_000),
  limits: jobTypeLimits.default({}),
  locks: neededLocks.default([]),
  keyDefaults: keyDefaultsInput.default(null),
  heartbeatSeconds: z
    .number()
    .min(HEARTBEAT_SECONDS.min)
    .max(HEARTBEAT_SECONDS.max)
    .nullable()
    .default(null)
    .describe('An attempt that reports neither a heartbeat nor progress for so long has failed.'),
  payloadSchema: jsonSchema
    .nullable()
    .default(null)
    .describe('JSON Schema (draft 2020-12). A run whose payload does not fit is refused when it is created.'),
  outputSchema: jsonSchema
    .nullable()
    .default(null)
    .describe('JSON Schema (draft 2020-12) of the output of a run.'),
});
const inMs = <Fields extends { timeoutSeconds: number; heartbeatSeconds: number | null }>({
  timeoutSeconds: timeout,
  heartbeatSeconds: heartbeat,
  ...fields
}: Fields) => ({
  ...fields,
  timeoutMs: wholeMs(timeout),
  heartbeatMs: heartbeat === null ? null : wholeMs(heartbeat),
});
/** Comes out as it is stored. */
export const jobTypeInput = jobTypeFields.transform(inMs);
export type JobTypeInput = z.output<typeof jobTypeInput>;

/** The name may stand in the path alone. */
export const jobTypeApplied = jobTypeFields.partial({ name: true }).transform(inMs);
export type JobTypeApplied = z.output<typeof jobTypeApplied>;

export const pauseInput = z
  .strictObject({
    reason: z.string().min(1).max(1_000).nullable().default(null).describe('Shown with the job type.'),
  })
  .prefault({});
export type PauseInput = z.output<typeof pauseInput>;

/** Each field is replaced as a whole. */
export const jobTypePatch = z
  .strictObject({
    target,
    retry: retryInput,
    timeoutSeconds,
    limits: jobTypeLimits,
    locks: neededLocks,
    keyDefaults: keyDefaultsInput,
  })
  .partial()
  .transform(({ timeoutSeconds: timeout, ...fields }) =>
    timeout === undefined ? fields : { ...fields, timeoutMs: wholeMs(timeout) },
  );
export type JobTypePatch = z.output<typeof jobTypePatch>;

export const jobType = z
  .object({
    name: z.string(),
    shared: z.boolean().describe('Registered by the replicas, for every tenant.'),
    target: storedTarget,
    retry: retryInSeconds,
    timeoutSeconds: z.number(),
    limits: jobTypeLimits,
    locks: neededLocks,
    keyDefaults: keyDefaults.nullable(),
    payloadSchema: z.looseObject({}).nullable(),
    outputSchema: z.looseObject({}).nullable(),
    heartbeatSeconds: z.number().nullable(),
    pausedAt: instant.nullable().describe('While set, no run of the job type starts.'),
    pauseReason: z
      .string()
      .nullable()
      .describe('The reason given with the pause, or that its endpoint answered 410 Gone.'),
    targetAllowed: z
      .boolean()
      .describe("False when its queue or handler is not among the tenant's `allowed…`: its runs fail."),
    createdAt: instant,
    updatedAt: instant,
    revision: z.int(),
  })
  .meta({ id: 'JobType' });

export type ShownJobType = ReturnType<typeof showJobType>;

export function answerWith(jobType: JobType, response: Response) {
  response.setHeader('ETag', etagOf(jobType.revision));
  return showJobType(jobType);
}

export function showJobType({ retry, timeoutMs, heartbeatMs, ...shown }: JobType) {
  return {
    ...shown,
    retry: inSeconds(retry),
    timeoutSeconds: timeoutMs / 1_000,
    heartbeatSeconds: heartbeatMs === null ? null : heartbeatMs / 1_000,
  };
}
