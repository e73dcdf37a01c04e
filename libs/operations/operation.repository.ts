// The rows of operations. While a step holds the row, no other step and no cancellation comes between: of two replicas that
// carry one operation, the second passes over the row that the first holds. Cancelling waits for the step and then ends the
// operation, so that no later step finds it.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { OperationState } from '#database/tables/operation-schema.js';
import type { OperationId, RunId, Slot, TenantId } from '#kernel/ids.js';
import type { HeldOperation } from './operation.js';

export interface Operation {
  id: OperationId;
  kind: string;
  target: string | null;
  state: OperationState;
  done: number;
  total: number;
  counts: Record<string, number>;
  error: string | null;
  createdAt: Date;
  updatedAt: Date;
  endedAt: Date | null;
}

const columns = [
  'id',
  'kind',
  'target',
  'state',
  'done',
  sql<number>`cardinality(items)`.as('total'),
  'counts',
  'error',
  'created_at as createdAt',
  'updated_at as updatedAt',
  'ended_at as endedAt',
] as const;

export interface NewOperation {
  id: OperationId;
  tenantId: TenantId;
  kind: string;
  target: string | null;
  input: object;
  items: readonly string[];
}

export async function insertOperation(
  db: Database,
  { id, tenantId, kind, target, input, items }: NewOperation,
): Promise<Operation> {
  return db
    .insertInto('operation')
    .values({ id, tenant_id: tenantId, kind, target, input: JSON.stringify(input), items: [...items] })
    .returning(columns)
    .executeTakeFirstOrThrow();
}

export async function findOperation(
  db: Database,
  { tenantId, id }: { tenantId: TenantId; id: OperationId },
): Promise<Operation | undefined> {
  return db
    .selectFrom('operation')
    .select(columns)
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** The newest first. */
export async function listOperations(
  db: Database,
  { tenantId, before, limit }: { tenantId: TenantId; before: OperationId | null; limit: number },
): Promise<Operation[]> {
  return db
    .selectFrom('operation')
    .select(columns)
    .where('tenant_id', '=', tenantId)
    .$if(before !== null, (query) => query.where('id', '<', before ?? ('' as OperationId)))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

/** Undefined when it has ended already, or there is none. */
export async function cancelOperation(
  db: Database,
  { tenantId, id }: { tenantId: TenantId; id: OperationId },
): Promise<Operation | undefined> {
  return db
    .updateTable('operation')
    .set({ state: 'cancelled', ...ended() })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .returning(columns)
    .executeTakeFirst();
}

/** Those that no replica carries, the longest first. Each is the caller's for a while. */
export async function takeToCarry(
  db: Database,
  { limit, forMs }: { limit: number; forMs: number },
): Promise<OperationId[]> {
  const { rows } = await sql<{ id: OperationId }>`
    update carillon.operation set carry_at = clock_timestamp() + make_interval(secs => ${forMs / 1_000}::float8)
     where id = any(array(select id from carillon.operation
                           where ended_at is null and carry_at <= clock_timestamp()
                           order by carry_at limit ${limit} for update skip locked))
    returning id`.execute(db);
  return rows.map(({ id }) => id);
}

/** What must be known before it can be held. Undefined when it has ended. */
export async function findCarried(
  db: Database,
  id: OperationId,
): Promise<{ kind: string; slot: Slot } | undefined> {
  const { rows } = await sql<{ kind: string; slot: Slot }>`
    select o.kind, t.slot
      from carillon.operation o join carillon.tenant t on t.id = o.tenant_id
     where o.id = ${id} and o.ended_at is null`.execute(db);
  return rows[0];
}

/** Undefined when it has ended, or another replica holds it for a step. */
export async function holdOperation(
  tx: Tx,
  { id, items }: { id: OperationId; items: number },
): Promise<HeldOperation | undefined> {
  const { rows } = await sql<
    Omit<HeldOperation, 'tenant'> & {
      tenantId: TenantId;
      slot: Slot;
      isActive: boolean;
      maxQueued: number | null;
    }
  >`
    select o.id, o.target, o.input, o.items[o.done + 1 : o.done + ${items}] as items, cardinality(o.items) - o.done as left,
           o.unfinished_runs as "unfinishedRuns", t.id as "tenantId", t.slot, t.state = 'active' as "isActive",
           (t.limits ->> 'maxQueued')::int as "maxQueued"
      from carillon.operation o join carillon.tenant t on t.id = o.tenant_id
     where o.id = ${id} and o.ended_at is null
       for update of o skip locked`.execute(tx);
  return rows.map(({ tenantId, slot, isActive, maxQueued, ...held }) => ({
    ...held,
    tenant: { id: tenantId, slot, isActive, maxQueued },
  }))[0];
}

export interface StepTaken {
  id: OperationId;
  done: number;
  counts: Readonly<Record<string, number>>;
  unfinishedRuns: readonly RunId[];
  /** How long it is this replica's. */
  forMs: number;
}

/** The caller holds it. With its last item it has succeeded. */
export async function recordStep(
  tx: Tx,
  { id, done, counts, unfinishedRuns, forMs }: StepTaken,
): Promise<void> {
  await sql`
    update carillon.operation o
       set done = o.done + ${done}, unfinished_runs = ${[...unfinishedRuns]}::uuid[],
           counts = o.counts || (select coalesce(jsonb_object_agg(key, coalesce((o.counts ->> key)::int, 0) + value::int), '{}')
                                   from jsonb_each_text(${JSON.stringify(counts)}::jsonb)),
           state = case when o.done + ${done} = cardinality(o.items) then 'succeeded' else 'running' end,
           ended_at = case when o.done + ${done} = cardinality(o.items) then clock_timestamp() end,
           carry_at = clock_timestamp() + make_interval(secs => ${forMs / 1_000}::float8), updated_at = clock_timestamp()
     where o.id = ${id}`.execute(tx);
}

/** The caller holds it. */
export async function endOperation(
  tx: Tx,
  { id, error }: { id: OperationId; error: string | null },
): Promise<void> {
  await tx
    .updateTable('operation')
    .set({ state: error === null ? 'succeeded' : 'failed', error, ...ended() })
    .where('id', '=', id)
    .execute();
}

/** Another replica may carry it on from then on. */
export async function putDown(
  db: Database,
  { id, forMs }: { id: OperationId; forMs: number },
): Promise<void> {
  await db
    .updateTable('operation')
    .set({ carry_at: sql<Date>`clock_timestamp() + make_interval(secs => ${forMs / 1_000}::float8)` })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .execute();
}

/** Resolves with how many were deleted; as many as the limit means that there may be more. */
export async function deleteOldOperations(
  db: Database,
  { keptDays, limit }: { keptDays: number; limit: number },
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from carillon.operation
     where id = any(array(select id from carillon.operation
                           where ended_at < clock_timestamp() - make_interval(days => ${keptDays}::int) limit ${limit}))`.execute(
    db,
  );
  return Number(numAffectedRows);
}

function ended() {
  return { ended_at: sql<Date>`clock_timestamp()`, updated_at: sql<Date>`clock_timestamp()` };
}
