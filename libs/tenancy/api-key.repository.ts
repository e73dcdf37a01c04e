// Which statements keep API keys?
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';
import type { Principal } from './decisions/api-key.js';

export interface ApiKeyRow {
  id: string;
  tenantId: TenantId | null;
  name: string;
  hash: Buffer;
  role: Principal['role'];
}

/** A key that exists already stays as it is. */
export async function insertApiKey(db: Database, key: ApiKeyRow): Promise<void> {
  await db
    .insertInto('api_key')
    .values({ id: key.id, tenant_id: key.tenantId, name: key.name, hash: key.hash, role: key.role })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .execute();
}

export async function findPrincipal(db: Database, hash: Buffer): Promise<Principal | undefined> {
  const row = await db
    .selectFrom('api_key')
    .select(['role', 'tenant_id as tenantId'])
    .where('hash', '=', hash)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { role, tenantId } = row;
  // The table has no tenant for an admin's key, and one for every other.
  return tenantId === null || role === 'admin' ? { role: 'admin' } : { role, tenantId };
}

/** False when the tenant has no such key, or it was revoked before. */
export async function revokeApiKey(
  db: Database,
  { tenantId, id }: { tenantId: TenantId; id: string },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('api_key')
    .set({ revoked_at: sql<Date>`clock_timestamp()` })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
