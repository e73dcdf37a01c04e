// The tenant and the job type of a request for a run. One names the path, the other the body; one statement reads
// both, because each round trip to the database is a good part of such a request's time. It stands in the server
// because it joins rows of two libs that do not know each other.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import { jobTypeIdOf } from '#database/job-type-key.js';
import type { JobNames, TenantAndJob } from '#execution/intake/assumed-jobs.js';
import { PROOF } from '#execution/intake/job-proof.js';
import type { JobType } from '#execution/job-types/job-type.js';
import {
  JOB_TYPE_COLUMNS,
  parseJobType,
  type StoredJobType,
} from '#execution/job-types/job-type.repository.js';
import { TENANT_COLUMNS, type Tenant } from '#tenancy/tenant.repository.js';

/** As a record, so that a field missing here fails to compile. */
const JOB_FIELDS = Object.keys({
  name: true,
  target: true,
  retry: true,
  limits: true,
  timeoutMs: true,
  revision: true,
  shared: true,
  payloadSchema: true,
  outputSchema: true,
  heartbeatMs: true,
  locks: true,
  keyDefaults: true,
  pausedAt: true,
  pauseReason: true,
  createdAt: true,
  updatedAt: true,
  allowedNames: true,
} satisfies Record<keyof StoredJobType, true>) as (keyof StoredJobType)[]; // it has these keys and no others

type JobColumns = { [Field in keyof StoredJobType as `job.${Field}`]: StoredJobType[Field] | null };
const shownJob = sql.raw(JOB_FIELDS.map((field) => `j."${field}" as "job.${field}"`).join(', '));

const TENANT_FIELDS = TENANT_COLUMNS.map((named) => {
  const [column = named, name = column] = named.split(' as ');
  return { column, name: name as keyof Tenant }; // the columns of a Tenant are named for its fields
});
const shownTenant = sql.raw(TENANT_FIELDS.map(({ column, name }) => `t.${column} as "${name}"`).join(', '));

/** Undefined when there is no such tenant. */
export async function findTenantAndJob(
  db: Database,
  asked: JobNames,
): Promise<TenantAndJob<Tenant> | undefined> {
  const { rows } = await sql<Tenant & JobColumns & { proof: string }>`
    select ${shownTenant}, ${PROOF} as proof, ${shownJob}
      from carillon.tenant t
      left join lateral (
        select ${JOB_TYPE_COLUMNS}, id, xmin as version
          from carillon.job_type
         where id = ${jobTypeIdOf(sql`t.id`, sql`${asked.jobType}`)}
         limit 1) j on true
     where t.name = ${asked.tenant}`.execute(db);
  const [row] = rows;
  return row && { tenant: tenantOf(row), jobType: jobTypeOf(row), proof: row.proof };
}

function tenantOf(row: Tenant): Tenant {
  const shown = Object.fromEntries(TENANT_FIELDS.map(({ name }) => [name, row[name]]));
  return shown as unknown as Tenant; // all of its fields, and no others
}

function jobTypeOf(row: JobColumns): JobType | null {
  if (row['job.name'] === null) return null;
  const stored = Object.fromEntries(JOB_FIELDS.map((field) => [field, row[`job.${field}`]]));
  return parseJobType(stored as unknown as StoredJobType); // each of its fields, as the table has them
}
