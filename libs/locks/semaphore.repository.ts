// The semaphores of tenants: how many permits each has.
import { sql } from 'kysely';
import { NAMED_LOCK } from '#database/advisory-locks.js';
import type { Database, Tx } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';

export interface Semaphore {
  name: string;
  permits: number;
  createdAt: Date;
  updatedAt: Date;
  revision: number;
}

interface NamedOfTenant {
  tenantId: TenantId;
  name: string;
}

const columns = [
  'name',
  'permits',
  'created_at as createdAt',
  'updated_at as updatedAt',
  'revision',
] as const;

export async function findSemaphores(
  db: Database,
  { tenantId, names }: { tenantId: TenantId; names: readonly string[] },
): Promise<Semaphore[]> {
  return db
    .selectFrom('semaphore')
    .select(columns)
    .where('tenant_id', '=', tenantId)
    .where('name', '=', sql<string>`any(${[...names]}::text[])`)
    .execute();
}

/** Locks the row until the caller's transaction is over. */
export async function lockSemaphore(
  tx: Tx,
  { tenantId, name }: NamedOfTenant,
): Promise<Semaphore | undefined> {
  return tx
    .selectFrom('semaphore')
    .select(columns)
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst();
}

export async function insertSemaphore(
  tx: Tx,
  { tenantId, name, permits }: NamedOfTenant & { permits: number },
): Promise<Semaphore> {
  return tx
    .insertInto('semaphore')
    .values({ tenant_id: tenantId, name, permits })
    .returning(columns)
    .executeTakeFirstOrThrow();
}

/** The caller holds the row's lock. */
export async function updateSemaphore(
  tx: Tx,
  { tenantId, name, permits }: NamedOfTenant & { permits: number },
): Promise<Semaphore> {
  return tx
    .updateTable('semaphore')
    .set({ permits, updated_at: sql<Date>`clock_timestamp()`, revision: sql<number>`revision + 1` })
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .returning(columns)
    .executeTakeFirstOrThrow();
}

/** The caller holds the row's lock. */
export async function deleteSemaphore(tx: Tx, { tenantId, name }: NamedOfTenant): Promise<void> {
  await tx.deleteFrom('semaphore').where('tenant_id', '=', tenantId).where('name', '=', name).execute();
}

/** Whether no one is acquiring the lock now; none can then, until the transaction is over. Never waits. */
export async function tryTurn(tx: Tx, { tenantId, name }: NamedOfTenant): Promise<boolean> {
  const { rows } = await sql<{ isMine: boolean }>`
    select pg_try_advisory_xact_lock(${NAMED_LOCK}::integer, hashtext(${tenantId}::uuid::text || ${name}::text)) as "isMine"`.execute(
    tx,
  );
  return rows[0]?.isMine === true;
}

/** How many holds and waiters have, or want, permits of it. */
export async function countPermitUses(db: Database, { tenantId, name }: NamedOfTenant): Promise<number> {
  const { rows } = await sql<{ number: number }>`
    select ((select count(*) from carillon.lock_hold
              where tenant_id = ${tenantId} and name = ${name} and mode = 'permits' and expires_at > clock_timestamp())
            + (select count(*) from carillon.lock_wait
                where tenant_id = ${tenantId} and name = ${name} and mode = 'permits' and until > clock_timestamp()))::int as number`.execute(
    db,
  );
  return rows[0]?.number ?? 0;
}

/**
 * Locks the tenant first, so that of requests that would add semaphores one does so at a time and counts those that the
 * others have added.
 */
export async function countSemaphoresAlone(tx: Tx, tenantId: TenantId): Promise<number> {
  await tx.selectFrom('tenant').select('id').where('id', '=', tenantId).forNoKeyUpdate().executeTakeFirst();
  const { count } = await tx
    .selectFrom('semaphore')
    .select(sql<number>`count(*)::int`.as('count'))
    .where('tenant_id', '=', tenantId)
    .executeTakeFirstOrThrow();
  return count;
}
