// How does the installation learn what its replicas can run? Each replica writes its handlers down as
// shared job types when it starts, with their payloads' JSON Schema when the validator can tell it.
import { z } from 'zod';
import type { JobDefinition } from '#client/jobs/job-definition.js';
import type { StandardSchemaV1 } from '#client/jobs/standard-schema.js';
import type { Database } from '#database/connection.js';
import type { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { DEFAULT_RETRY, DEFAULT_TIMEOUT_MS, type RetryPolicy } from '#execution/job-types/job-type.js';
import { registerSharedJobType } from '#execution/job-types/job-type.repository.js';

export async function registerSharedJobTypes(db: Database, registry: HandlerRegistry): Promise<void> {
  for (const { definition } of registry.all()) {
    await registerSharedJobType(db, {
      name: definition.name,
      target: { kind: 'handler', handler: definition.name },
      retry: retryOf(definition),
      timeoutMs:
        definition.timeoutSeconds === undefined ? DEFAULT_TIMEOUT_MS : wholeMs(definition.timeoutSeconds),
      limits: {},
      payloadSchema: jsonSchemaOf(definition.payload, 'input'),
      outputSchema: definition.output === undefined ? null : jsonSchemaOf(definition.output, 'output'),
      heartbeatMs: definition.heartbeatSeconds === undefined ? null : wholeMs(definition.heartbeatSeconds),
    });
  }
}

function retryOf({ retry = {} }: JobDefinition<unknown>): RetryPolicy {
  return {
    maxAttempts: retry.maxAttempts ?? DEFAULT_RETRY.maxAttempts,
    kind: retry.backoff ?? DEFAULT_RETRY.kind,
    minMs: retry.minSeconds === undefined ? DEFAULT_RETRY.minMs : wholeMs(retry.minSeconds),
    maxMs: retry.maxSeconds === undefined ? DEFAULT_RETRY.maxMs : wholeMs(retry.maxSeconds),
    jitter: retry.jitter ?? DEFAULT_RETRY.jitter,
  };
}

/** A job type is stored in whole milliseconds, and 1.005 s is not one of them in binary. */
function wholeMs(seconds: number): number {
  return Math.round(seconds * 1_000);
}

/** Null for validators other than zod, and for schemas that JSON Schema can't say. */
function jsonSchemaOf(schema: StandardSchemaV1, io: 'input' | 'output'): object | null {
  if (!(schema instanceof z.ZodType)) return null;
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' });
}
