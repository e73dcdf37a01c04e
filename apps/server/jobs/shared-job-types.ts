// Each replica records its handlers as shared job types when it starts, with the JSON Schema of their payloads if the
// validator can make one.
import { z } from 'zod';
import { wholeWishes } from '#client/options/lock-wishes.js';
import type { StandardSchemaV1 } from '#client/jobs/standard-schema.js';
import type { Database } from '#database/connection.js';
import type { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { effectiveDefaults } from '#kernel/keys/key-overlap.js';
import { DEFAULT_TIMEOUT_MS } from '#execution/job-types/job-type.js';
import { retryPolicyOf, wholeMs } from '#execution/job-types/retry-in-seconds.js';
import { registerSharedJobType } from '#execution/job-types/job-type.repository.js';

export async function registerSharedJobTypes(db: Database, registry: HandlerRegistry): Promise<void> {
  for (const { definition } of registry.all()) {
    await registerSharedJobType(db, {
      name: definition.name,
      target: { kind: 'handler', handler: definition.name },
      retry: retryPolicyOf(definition.retry ?? {}),
      timeoutMs:
        definition.timeoutSeconds === undefined ? DEFAULT_TIMEOUT_MS : wholeMs(definition.timeoutSeconds),
      limits: {},
      locks: wholeWishes(definition.locks ?? []),
      keyDefaults: effectiveDefaults(definition.keyDefaults),
      payloadSchema: jsonSchemaOf(definition.payload, 'input'),
      outputSchema: definition.output === undefined ? null : jsonSchemaOf(definition.output, 'output'),
      heartbeatMs: definition.heartbeatSeconds === undefined ? null : wholeMs(definition.heartbeatSeconds),
    });
  }
}

/** Null for validators other than zod, and for schemas that JSON Schema can't express. */
function jsonSchemaOf(schema: StandardSchemaV1, io: 'input' | 'output'): object | null {
  if (!(schema instanceof z.ZodType)) return null;
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' });
}
