// Which statements keep job types? A tenant's own hides a shared one of the same name.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import { randomUUID } from '#database/runtime/uuid.js';
import type { TenantId } from '#kernel/ids.js';
import { jobTypeLimits } from './limits.js';
import { retryPolicy, storedTarget, type JobType } from './job-type.js';

interface JobTypeRow extends Omit<JobType, 'target' | 'retry' | 'limits'> {
  target: unknown;
  retry: unknown;
  limits: unknown;
}

const columns =
  sql.raw(`name, target, retry, limits, timeout_ms as "timeoutMs", revision, tenant_id is null as shared,
       payload_schema as "payloadSchema", created_at as "createdAt", updated_at as "updatedAt"`);

export type JobTypeInput = Pick<
  JobType,
  'name' | 'target' | 'retry' | 'limits' | 'timeoutMs' | 'payloadSchema'
>;

/** Throws a unique violation when the tenant has a job type of that name. */
export async function insertJobType(db: Database, tenantId: TenantId, input: JobTypeInput): Promise<JobType> {
  const { rows } = await sql<JobTypeRow>`
    insert into carillon.job_type (id, tenant_id, name, kind, target, retry, limits, timeout_ms, payload_schema)
    values (${randomUUID()}, ${tenantId}, ${input.name}, ${input.target.kind}, ${JSON.stringify(input.target)},
            ${JSON.stringify(input.retry)}, ${JSON.stringify(input.limits)}, ${input.timeoutMs},
            ${JSON.stringify(input.payloadSchema)}::jsonb)
    returning ${columns}`.execute(db);
  if (rows[0] === undefined) throw new Error(`expected the new job type ${input.name} back, got no row`);
  return parseRow(rows[0]);
}

/** Registers what this replica can handle; the newest registration of a name wins. Writes nothing when nothing changed. */
export async function registerSharedJobType(db: Database, input: JobTypeInput): Promise<void> {
  await sql`
    insert into carillon.job_type as j (id, tenant_id, name, kind, target, retry, limits, timeout_ms, payload_schema)
    values (${randomUUID()}, null, ${input.name}, ${input.target.kind}, ${JSON.stringify(input.target)},
            ${JSON.stringify(input.retry)}, ${JSON.stringify(input.limits)}, ${input.timeoutMs}, ${JSON.stringify(input.payloadSchema)}::jsonb)
    on conflict (tenant_id, name) do update
       set kind = excluded.kind, target = excluded.target, retry = excluded.retry, limits = excluded.limits, timeout_ms = excluded.timeout_ms,
           payload_schema = excluded.payload_schema, updated_at = clock_timestamp(), revision = j.revision + 1
     where (j.target, j.retry, j.limits, j.timeout_ms, j.payload_schema)
        is distinct from (excluded.target, excluded.retry, excluded.limits, excluded.timeout_ms, excluded.payload_schema)`.execute(
    db,
  );
}

export async function findJobType(
  db: Database,
  { tenantId, name }: { tenantId: TenantId; name: string },
): Promise<JobType | undefined> {
  const { rows } = await sql<JobTypeRow>`
    select ${columns}
      from carillon.job_type
     where name = ${name} and (tenant_id = ${tenantId} or tenant_id is null)
     order by tenant_id nulls last
     limit 1`.execute(db);
  return rows[0] && parseRow(rows[0]);
}

export async function listJobTypes(
  db: Database,
  page: { tenantId: TenantId; afterName: string | null; limit: number },
): Promise<JobType[]> {
  const { rows } = await sql<JobTypeRow>`
    select distinct on (name) ${columns}
      from carillon.job_type
     where (tenant_id = ${page.tenantId} or tenant_id is null) and name > ${page.afterName ?? ''}
     order by name, tenant_id nulls last
     limit ${page.limit}`.execute(db);
  return rows.map(parseRow);
}

type Changeable = Pick<JobType, 'target' | 'retry' | 'limits' | 'timeoutMs'>;
export type JobTypeChange = { [Field in keyof Changeable]?: Changeable[Field] | undefined };

/** Undefined when the tenant has none of its own by that name, or no longer at that revision. */
export async function updateJobType(
  db: Database,
  { tenantId, name, revision }: { tenantId: TenantId; name: string; revision: number | null },
  { target, retry, limits, timeoutMs }: JobTypeChange,
): Promise<JobType | undefined> {
  const json = (value: object | undefined) => (value === undefined ? null : JSON.stringify(value));
  const { rows } = await sql<JobTypeRow>`
    update carillon.job_type
       set target = coalesce(${json(target)}::jsonb, target), kind = coalesce(${target?.kind ?? null}, kind),
           retry = coalesce(${json(retry)}::jsonb, retry), limits = coalesce(${json(limits)}::jsonb, limits),
           timeout_ms = coalesce(${timeoutMs ?? null}, timeout_ms), updated_at = clock_timestamp(), revision = revision + 1
     where tenant_id = ${tenantId} and name = ${name} and (${revision}::bigint is null or revision = ${revision}::bigint)
    returning ${columns}`.execute(db);
  return rows[0] && parseRow(rows[0]);
}

/** False when the tenant has no job type of its own by that name. */
export async function deleteJobType(
  db: Database,
  { tenantId, name }: { tenantId: TenantId; name: string },
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('job_type')
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

function parseRow(row: JobTypeRow): JobType {
  return {
    ...row,
    target: storedTarget.parse(row.target),
    retry: retryPolicy.parse(row.retry),
    limits: jobTypeLimits.parse(row.limits),
  };
}
