// Who wants what? A request for a run names a tenant in its path and a job type in its body; both are read by one
// statement, because each way to the database and back is a good part of what such a request takes.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import { PROOF } from '#execution/job-types/job-proof.js';
import type { JobType } from '#execution/job-types/job-type.js';
import {
  JOB_TYPE_COLUMNS,
  parseJobType,
  type StoredJobType,
} from '#execution/job-types/job-type.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';

const JOB_FIELDS = [
  'name',
  'target',
  'retry',
  'limits',
  'timeoutMs',
  'revision',
  'shared',
  'payloadSchema',
  'outputSchema',
  'heartbeatMs',
  'pausedAt',
  'pauseReason',
  'createdAt',
  'updatedAt',
  'allowedNames',
] as const satisfies readonly (keyof StoredJobType)[];

type JobColumns = { [Field in keyof StoredJobType as `job.${Field}`]: StoredJobType[Field] | null };
const shownJob = sql.raw(JOB_FIELDS.map((field) => `j."${field}" as "job.${field}"`).join(', '));

export interface TenantAndJob {
  tenant: Tenant;
  /** Null when the tenant has no such job type. */
  jobType: JobType | null;
  /** Of what was read. */
  proof: string;
}

/** Undefined when there is no such tenant. */
export async function findTenantAndJob(
  db: Database,
  asked: { tenant: string; jobType: string },
): Promise<TenantAndJob | undefined> {
  const { rows } = await sql<Tenant & JobColumns & { proof: string }>`
    select t.id, t.name, t.display_name as "displayName", t.slot, t.state, t.weight, t.limits, t.retention_days as "retentionDays",
           t.allowed_queues as "allowedQueues", t.allowed_handlers as "allowedHandlers", t.created_at as "createdAt", t.revision, ${PROOF} as proof, ${shownJob}
      from carillon.tenant t
      left join lateral (
        select ${JOB_TYPE_COLUMNS}, id, xmin as version
          from carillon.job_type
         where name = ${asked.jobType} and (tenant_id = t.id or tenant_id is null)
         order by tenant_id nulls last
         limit 1) j on true
     where t.name = ${asked.tenant}`.execute(db);
  const [row] = rows;
  return row && { tenant: tenantOf(row), jobType: jobTypeOf(row), proof: row.proof };
}

function tenantOf(row: Tenant): Tenant {
  const { id, name, displayName, slot, state, weight, limits, retentionDays, createdAt, revision } = row;
  const { allowedQueues, allowedHandlers } = row;
  const allowed = { allowedQueues, allowedHandlers };
  return {
    id,
    name,
    displayName,
    slot,
    state,
    weight,
    limits,
    retentionDays,
    createdAt,
    revision,
    ...allowed,
  };
}

function jobTypeOf(row: JobColumns): JobType | null {
  if (row['job.name'] === null) return null;
  const stored = Object.fromEntries(JOB_FIELDS.map((field) => [field, row[`job.${field}`]]));
  return parseJobType(stored as unknown as StoredJobType); // each of its fields, as the table has them
}
