// Job types. A tenant's own hides a shared one of the same name.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import { readFitting, type FittingPage } from '#database/fitting-page.repository.js';
import { jobTypeIdOf } from '#database/job-type-key.js';
import { randomUUID } from '#database/runtime/uuid.js';
import type { TenantId, TenantName } from '#kernel/ids.js';
import type { LockWish } from '#locks/lock.js';
import { refusalOf } from '#execution/endpoints/decisions/allowed-target.js';
import { jobTypeLimits } from '#execution/limits/limits.js';
import { retryPolicy, storedKeyDefaults, storedTarget, type JobType } from './job-type.js';

export interface StoredJobType extends Omit<
  JobType,
  'target' | 'retry' | 'limits' | 'keyDefaults' | 'targetAllowed' | 'locks'
> {
  locks: LockWish[] | null;
  target: unknown;
  retry: unknown;
  limits: unknown;
  keyDefaults: unknown;
  /** The names that the tenant may use in a target of this kind; null allows any. */
  allowedNames: string[] | null;
}

export const JOB_TYPE_COLUMNS =
  sql.raw(`name, target, retry, limits, timeout_ms as "timeoutMs", revision, tenant_id is null as shared,
       payload_schema as "payloadSchema", output_schema as "outputSchema", heartbeat_ms as "heartbeatMs", locks, key_defaults as "keyDefaults", paused_at as "pausedAt",
       pause_reason as "pauseReason", created_at as "createdAt", updated_at as "updatedAt",
       (select case kind when 'queue' then allowed_queues when 'handler' then allowed_handlers end
          from carillon.tenant where id = tenant_id) as "allowedNames"`);

export type JobTypeInput = Pick<
  JobType,
  'name' | 'target' | 'retry' | 'limits' | 'timeoutMs' | 'payloadSchema'
> &
  Partial<Pick<JobType, 'outputSchema' | 'heartbeatMs' | 'locks' | 'keyDefaults'>>;

/** Throws a unique violation when the tenant has a job type of that name. */
export async function insertJobType(db: Database, tenantId: TenantId, input: JobTypeInput): Promise<JobType> {
  const { rows } = await sql<StoredJobType>`
    insert into carillon.job_type (id, tenant_id, name, kind, target, retry, limits, timeout_ms, payload_schema, output_schema, heartbeat_ms,
                                   locks, key_defaults)
    values (${randomUUID()}, ${tenantId}, ${input.name}, ${input.target.kind}, ${JSON.stringify(input.target)},
            ${JSON.stringify(input.retry)}, ${JSON.stringify(input.limits)}, ${input.timeoutMs}, ${jsonbOf(input.payloadSchema)}::jsonb,
            ${jsonbOf(input.outputSchema)}::jsonb, ${input.heartbeatMs ?? null},
            ${locksOf(input)}::jsonb, ${jsonbOf(input.keyDefaults)}::jsonb)
    returning ${JOB_TYPE_COLUMNS}`.execute(db);
  if (rows[0] === undefined) throw new Error(`expected the new job type ${input.name} back, got no row`);
  return parseJobType(rows[0]);
}

/**
 * Registers what this replica can handle; the newest registration of a name wins. Writes nothing when nothing changed.
 */
export async function registerSharedJobType(db: Database, input: JobTypeInput): Promise<void> {
  await sql`
    insert into carillon.job_type as j (id, tenant_id, name, kind, target, retry, limits, timeout_ms, payload_schema, output_schema, heartbeat_ms,
                                   locks, key_defaults)
    values (${randomUUID()}, null, ${input.name}, ${input.target.kind}, ${JSON.stringify(input.target)},
            ${JSON.stringify(input.retry)}, ${JSON.stringify(input.limits)}, ${input.timeoutMs}, ${jsonbOf(input.payloadSchema)}::jsonb,
            ${jsonbOf(input.outputSchema)}::jsonb, ${input.heartbeatMs ?? null},
            ${locksOf(input)}::jsonb, ${jsonbOf(input.keyDefaults)}::jsonb)
    on conflict (tenant_id, name) do update
       set kind = excluded.kind, target = excluded.target, retry = excluded.retry, limits = excluded.limits, timeout_ms = excluded.timeout_ms,
           payload_schema = excluded.payload_schema, output_schema = excluded.output_schema, heartbeat_ms = excluded.heartbeat_ms,
           locks = excluded.locks, key_defaults = excluded.key_defaults,
           updated_at = clock_timestamp(), revision = j.revision + 1
     where (j.target, j.retry, j.limits, j.timeout_ms, j.payload_schema, j.output_schema, j.heartbeat_ms, j.locks, j.key_defaults)
        is distinct from (excluded.target, excluded.retry, excluded.limits, excluded.timeout_ms, excluded.payload_schema, excluded.output_schema,
                          excluded.heartbeat_ms, excluded.locks, excluded.key_defaults)`.execute(db);
}

export async function findJobType(
  db: Database,
  { tenantId, name }: { tenantId: TenantId; name: string },
): Promise<JobType | undefined> {
  const { rows } = await sql<StoredJobType>`
    select ${JOB_TYPE_COLUMNS}
      from carillon.job_type
     where id = ${jobTypeIdOf(sql`${tenantId}`, sql`${name}`)}`.execute(db);
  return rows[0] && parseJobType(rows[0]);
}

export interface FoundJobType {
  /** The name of the tenant that was asked for; empty when it is gone, and then none of its runs can start. */
  tenant: TenantName;
  stored: StoredJobType | undefined;
}

/** Finds each of these, in their order. Not parsed, because one spoilt row is no reason to withhold the others. */
export async function findJobTypes(
  db: Database,
  asked: readonly { tenantId: TenantId; name: string }[],
): Promise<FoundJobType[]> {
  type Row = (StoredJobType | Record<keyof StoredJobType, null>) & { tenant: TenantName };
  const { rows } = await sql<Row>`
    select coalesce((select t.name from carillon.tenant t where t.id = asked.tenant), '') as tenant, found.*
      from unnest(${asked.map(({ tenantId }) => tenantId)}::uuid[], ${asked.map(({ name }) => name)}::text[])
           with ordinality as asked (tenant, job_type, number)
      left join lateral (
        select ${JOB_TYPE_COLUMNS}
          from carillon.job_type
         where id = ${jobTypeIdOf(sql`asked.tenant`, sql`asked.job_type`)}
         limit 1) found on true
     order by number`.execute(db);
  return rows.map(({ tenant, ...row }) => ({ tenant, stored: isFound(row) ? row : undefined }));
}

export async function listJobTypes(
  db: Database,
  page: { tenantId: TenantId; afterName: string | null; limit: number },
): Promise<FittingPage<JobType>> {
  const wanted = sql<StoredJobType>`
    select distinct on (name) ${JOB_TYPE_COLUMNS}
      from carillon.job_type
     where (tenant_id = ${page.tenantId} or tenant_id is null) and name > ${page.afterName ?? ''}
     order by name, tenant_id nulls last
     limit ${page.limit}`;
  const { rows, isCut } = await readFitting(db, wanted);
  return { rows: rows.map(parseJobType), isCut };
}

type Changeable = Pick<JobType, 'target' | 'retry' | 'limits' | 'timeoutMs' | 'locks' | 'keyDefaults'>;
export type JobTypeChange = { [Field in keyof Changeable]?: Changeable[Field] | undefined };

/** Undefined when the tenant has none of its own by that name, or it is no longer at that revision. */
export async function updateJobType(
  db: Database,
  { tenantId, name, revision }: { tenantId: TenantId; name: string; revision: number | null },
  { target, retry, limits, timeoutMs, locks, keyDefaults }: JobTypeChange,
): Promise<JobType | undefined> {
  const json = (value: object | undefined) => (value === undefined ? null : JSON.stringify(value));
  const { rows } = await sql<StoredJobType>`
    update carillon.job_type
       set target = coalesce(${json(target)}::jsonb, target), kind = coalesce(${target?.kind ?? null}, kind),
           retry = coalesce(${json(retry)}::jsonb, retry), limits = coalesce(${json(limits)}::jsonb, limits),
           timeout_ms = coalesce(${timeoutMs ?? null}, timeout_ms),
           locks = nullif(coalesce(${json(locks)}::jsonb, locks), '[]'),
           key_defaults = case when ${keyDefaults === undefined} then key_defaults else ${jsonbOf(keyDefaults)}::jsonb end,
           updated_at = clock_timestamp(), revision = revision + 1
     where tenant_id = ${tenantId} and name = ${name} and (${revision}::bigint is null or revision = ${revision}::bigint)
    returning ${JOB_TYPE_COLUMNS}`.execute(db);
  return rows[0] && parseJobType(rows[0]);
}

/** Pausing a paused one keeps its first instant and reason. Undefined when the tenant has none of its own. */
export async function pauseJobType(
  db: Database,
  { tenantId, name, reason }: { tenantId: TenantId; name: string; reason: string | null },
): Promise<JobType | undefined> {
  const { rows } = await sql<StoredJobType>`
    update carillon.job_type
       set pause_reason = case when paused_at is null then ${reason}::text else pause_reason end,
           paused_at = coalesce(paused_at, clock_timestamp()), updated_at = clock_timestamp(), revision = revision + 1
     where tenant_id = ${tenantId} and name = ${name}
    returning ${JOB_TYPE_COLUMNS}`.execute(db);
  return rows[0] && parseJobType(rows[0]);
}

/** Undefined when the tenant has none of its own by that name. */
export async function resumeJobType(
  db: Database,
  { tenantId, name }: { tenantId: TenantId; name: string },
): Promise<JobType | undefined> {
  const { rows } = await sql<StoredJobType>`
    update carillon.job_type set paused_at = null, pause_reason = null, updated_at = clock_timestamp(), revision = revision + 1
     where tenant_id = ${tenantId} and name = ${name}
    returning ${JOB_TYPE_COLUMNS}`.execute(db);
  return rows[0] && parseJobType(rows[0]);
}

/** Pauses a job type whose endpoint is gone, unless it calls another endpoint by now or was paused before. */
export async function pauseGone(
  db: Database,
  { tenantId, name, url, reason }: { tenantId: TenantId; name: string; url: string; reason: string },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('job_type')
    .set({
      paused_at: sql<Date>`clock_timestamp()`,
      pause_reason: reason,
      updated_at: sql<Date>`clock_timestamp()`,
      revision: sql<number>`revision + 1`,
    })
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .where(sql<string>`target ->> 'url'`, '=', url)
    .where('paused_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** False when the tenant has no job type of its own by that name. */
export async function deleteJobType(
  db: Database,
  { tenantId, name, revision }: { tenantId: TenantId; name: string; revision: number | null },
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('job_type')
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .$if(revision !== null, (query) => query.where('revision', '=', revision))
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** No schema is SQL's null, not JSON's. */
function jsonbOf(schema: object | null | undefined): string | null {
  return schema === null || schema === undefined ? null : JSON.stringify(schema);
}

/** No locks are SQL's null. */
function locksOf({ locks = [] }: JobTypeInput): string | null {
  return locks.length === 0 ? null : JSON.stringify(locks);
}

function isFound(row: { name: string | null }): row is StoredJobType {
  return row.name !== null;
}

/** Throws when the row is no job type, even if it was written by hand. */
export function parseJobType({ allowedNames, ...row }: StoredJobType): JobType {
  const target = storedTarget.parse(row.target);
  return {
    ...row,
    target,
    targetAllowed: refusalOf(target, allowedNames) === null,
    retry: retryPolicy.parse(row.retry),
    limits: jobTypeLimits.parse(row.limits),
    locks: row.locks ?? [],
    keyDefaults: row.keyDefaults === null ? null : storedKeyDefaults.parse(row.keyDefaults),
  };
}
