// Gives a tenant's job type other content as a whole.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';
import {
  JOB_TYPE_COLUMNS,
  parseJobType,
  type JobTypeInput,
  type StoredJobType,
} from './job-type.repository.js';
import type { JobType } from './job-type.js';

/** Undefined when the tenant has none of its own by that name, or it is no longer at that revision. */
export async function replaceJobType(
  db: Database,
  { tenantId, name, revision }: { tenantId: TenantId; name: string; revision: number },
  content: Required<Omit<JobTypeInput, 'name'>>,
): Promise<JobType | undefined> {
  const json = (value: object | null) => (value === null ? null : JSON.stringify(value));
  const { target, retry, limits, timeoutMs, payloadSchema, outputSchema, heartbeatMs, locks, keyDefaults } =
    content;
  const { rows } = await sql<StoredJobType>`
    update carillon.job_type
       set target = ${json(target)}::jsonb, kind = ${target.kind}, retry = ${json(retry)}::jsonb, limits = ${json(limits)}::jsonb,
           timeout_ms = ${timeoutMs}, payload_schema = ${json(payloadSchema)}::jsonb, output_schema = ${json(outputSchema)}::jsonb,
           heartbeat_ms = ${heartbeatMs}, locks = nullif(${json(locks)}::jsonb, '[]'), key_defaults = ${json(keyDefaults)}::jsonb,
           updated_at = clock_timestamp(), revision = revision + 1
     where tenant_id = ${tenantId} and name = ${name} and revision = ${revision}
    returning ${JOB_TYPE_COLUMNS}`.execute(db);
  return rows[0] && parseJobType(rows[0]);
}
