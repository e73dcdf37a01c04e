// Workers. A worker is a process of the tenant's that takes leases. Its row gives it a name and lets an operator ask it
// to stop; no lease depends on the row.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import { readFitting, type FittingPage } from '#database/fitting-page.repository.js';
import type { WorkerState } from '#database/tables/lease-schema.js';
import { randomUUID } from '#database/runtime/uuid.js';
import type { TenantId, WorkerId } from '#kernel/ids.js';
import type { JobTypeInput } from '#execution/job-types/job-type.repository.js';

export interface NewWorker {
  id: WorkerId;
  tenantId: TenantId;
  name: string;
  jobTypes: readonly string[];
  /** How many runs it executes at once. */
  concurrency: number;
  labels: Readonly<Record<string, string>>;
}

export interface Worker extends Omit<NewWorker, 'tenantId'> {
  state: WorkerState;
  registeredAt: Date;
  heartbeatAt: Date;
  /** How many leases it holds. */
  leases: number;
}

export async function insertWorker(db: Database, worker: NewWorker): Promise<void> {
  const { id, tenantId, name, jobTypes, concurrency, labels } = worker;
  await db
    .insertInto('worker')
    .values({
      id,
      tenant_id: tenantId,
      name,
      job_types: [...jobTypes],
      concurrency,
      labels: JSON.stringify(labels),
    })
    .execute();
}

/**
 * Makes or renews the job type that a worker brings; the newest registration wins. Writes nothing when nothing changed.
 */
export async function registerPulledJobType(
  db: Database,
  tenantId: TenantId,
  {
    name,
    target,
    retry,
    timeoutMs,
    payloadSchema,
    locks = [],
    keyDefaults,
  }: Pick<
    JobTypeInput,
    'name' | 'target' | 'retry' | 'timeoutMs' | 'payloadSchema' | 'locks' | 'keyDefaults'
  >,
): Promise<void> {
  await sql`
    insert into carillon.job_type as j (id, tenant_id, name, kind, target, retry, timeout_ms, payload_schema, locks, key_defaults)
    values (${randomUUID()}, ${tenantId}, ${name}, 'pull', ${JSON.stringify(target)}, ${JSON.stringify(retry)}, ${timeoutMs},
            ${payloadSchema === null ? null : JSON.stringify(payloadSchema)}::jsonb,
            nullif(${JSON.stringify(locks)}::jsonb, '[]'), ${(keyDefaults ?? null) === null ? null : JSON.stringify(keyDefaults)}::jsonb)
    on conflict (tenant_id, name) do update
       set target = excluded.target, retry = excluded.retry, timeout_ms = excluded.timeout_ms,
           payload_schema = excluded.payload_schema, locks = excluded.locks, key_defaults = excluded.key_defaults,
           updated_at = clock_timestamp(), revision = j.revision + 1
     where j.kind = 'pull'
       and (j.target, j.retry, j.timeout_ms, j.payload_schema, j.locks, j.key_defaults)
        is distinct from (excluded.target, excluded.retry, excluded.timeout_ms, excluded.payload_schema, excluded.locks, excluded.key_defaults)`.execute(
    db,
  );
}

interface WorkerKey {
  tenantId: TenantId;
  id: WorkerId;
}

/**
 * Records a sign of life; within a transaction a second request of the same worker waits. Undefined for an unknown
 * worker.
 */
export async function beatWorker(
  db: Database | Tx,
  { tenantId, id }: WorkerKey,
): Promise<WorkerState | undefined> {
  const row = await db
    .updateTable('worker')
    .set({ heartbeat_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .where('tenant_id', '=', tenantId)
    .returning('state')
    .executeTakeFirst();
  return row?.state;
}

/** False for an unknown worker. */
export async function steerWorker(
  db: Database,
  { tenantId, id, state }: WorkerKey & { state: WorkerState },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('worker')
    .set({ state })
    .where('id', '=', id)
    .where('tenant_id', '=', tenantId)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** False when no worker has the id. Its leases stay with their holders. */
export async function deleteWorker(db: Database, { tenantId, id }: WorkerKey): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('worker')
    .where('id', '=', id)
    .where('tenant_id', '=', tenantId)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

/** Newest first. */
export async function listWorkers(
  db: Database,
  page: { tenantId: TenantId; beforeId: string | null; limit: number },
): Promise<FittingPage<Worker>> {
  return readFitting(
    db,
    sql<Worker>`
    select w.id, w.name, w.job_types as "jobTypes", w.concurrency, w.labels, w.state, w.registered_at as "registeredAt",
           w.heartbeat_at as "heartbeatAt", (select count(*)::int from carillon.lease l where l.worker = w.id) as leases
      from carillon.worker w
     where w.tenant_id = ${page.tenantId} and (${page.beforeId}::uuid is null or w.id < ${page.beforeId}::uuid)
     order by w.id desc
     limit ${page.limit}`,
  );
}

/** One that beats while this statement waits for its row is silent no more. */
export async function forgetWorkers(
  db: Database,
  { silentForMs, limit }: { silentForMs: number; limit: number },
): Promise<void> {
  const isSilent = sql`heartbeat_at < clock_timestamp() - ${silentForMs} * interval '1 ms'`;
  await sql`
    delete from carillon.worker
     where id in (select id from carillon.worker where ${isSilent} order by heartbeat_at limit ${limit})
       and ${isSilent}`.execute(db);
}
