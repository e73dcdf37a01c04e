// How does a test check values by tenants' schemas? As a replica does, with timers of its own instead of the server's.
import { setTimeout as rest } from 'node:timers/promises';
import { systemClock } from '#database/runtime/system-clock.js';
import { SchemaChecks } from '#execution/schemas/schema-checks.js';

/** Its threads end by themselves, and keep no process alive. */
export function schemaChecks(): SchemaChecks {
  return new SchemaChecks({
    clock: systemClock,
    rest: (_name, ms) => rest(ms, undefined, { ref: false }),
  });
}
