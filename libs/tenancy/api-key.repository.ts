// API keys. An administrator's key comes from the configuration and has no tenant. Such a key is good while a replica
// names it, which it does each minute, and for an overlap after that: in a rolling restart replicas name both the old
// and the new key, and afterwards the old one ends by itself.
import { sql, type SqlBool } from 'kysely';
import type { Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';
import type { Principal, TenantRole } from './decisions/api-key.js';

const CONFIGURED_KEY_OVERLAP_MINUTES = 10;
const REVOKED_KEYS_KEPT_DAYS = 30;

/** An older release does not name its key: the key counts from when it was made. */
const endsAt = sql<Date>`coalesce(named_at, created_at) + make_interval(mins => ${sql.lit(CONFIGURED_KEY_OVERLAP_MINUTES)})`;
const isGood = sql<SqlBool>`revoked_at is null and (tenant_id is not null or ${endsAt} > clock_timestamp())`;

export interface NewKeyRow {
  id: string;
  tenantId: TenantId;
  name: string;
  prefix: string;
  hash: Buffer;
  role: TenantRole;
}

export interface ShownKey {
  id: string;
  name: string;
  prefix: string | null;
  role: Principal['role'];
  origin: 'api' | 'configuration';
  createdAt: Date;
  lastUsedAt: Date | null;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

export async function insertApiKey(db: Database, { tenantId, ...key }: NewKeyRow): Promise<void> {
  await db
    .insertInto('api_key')
    .values({ ...key, tenant_id: tenantId })
    .execute();
}

/** False when it can't be an administrator's: it was revoked, or a tenant has it. */
export async function nameConfiguredKey(
  db: Database,
  key: { id: string; prefix: string; hash: Buffer },
): Promise<boolean> {
  const row = await db
    .insertInto('api_key')
    .values({
      ...key,
      tenant_id: null,
      name: 'from configuration',
      role: 'admin',
      named_at: sql<Date>`clock_timestamp()`,
    })
    .onConflict((conflict) =>
      conflict
        .column('hash')
        .doUpdateSet((eb) => ({
          named_at: sql<Date>`clock_timestamp()`,
          prefix: eb.ref('excluded.prefix'),
        }))
        .where('api_key.tenant_id', 'is', null)
        .where('api_key.revoked_at', 'is', null),
    )
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

export async function findPrincipal(
  db: Database,
  hash: Buffer,
): Promise<{ id: string; principal: Principal } | undefined> {
  const row = await db
    .selectFrom('api_key')
    .select(['id', 'name', 'role', 'tenant_id as tenantId'])
    .where('hash', '=', hash)
    .where(isGood)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { id, name, role, tenantId } = row;
  // The table has no tenant for an administrator's key, and one for every other.
  if (tenantId === null || role === 'admin')
    return { id, principal: { role: 'admin', by: `administrator (key ${id})` } };
  return { id, principal: { role, tenantId, by: `${name} (key ${id})` } };
}

/** The tenant's keys, or without a tenant the administrators'. */
export async function listApiKeys(
  db: Database,
  page: { tenantId: TenantId | null; beforeId: string | null; limit: number },
): Promise<ShownKey[]> {
  return db
    .selectFrom('api_key')
    .select([
      'id',
      'name',
      'prefix',
      'role',
      sql<ShownKey['origin']>`case when tenant_id is null then 'configuration' else 'api' end`.as('origin'),
      'created_at as createdAt',
      'last_used_at as lastUsedAt',
      sql<Date | null>`case when tenant_id is null then ${endsAt} end`.as('expiresAt'),
      'revoked_at as revokedAt',
    ])
    .where('tenant_id', page.tenantId === null ? 'is' : '=', page.tenantId)
    .$if(page.beforeId !== null, (query) => query.where('id', '<', page.beforeId ?? ''))
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute();
}

/** False when the tenant, or without one the administrators, have no such key, or it was revoked before. */
export async function revokeApiKey(
  db: Database,
  { tenantId, id }: { tenantId: TenantId | null; id: string },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('api_key')
    .set({ revoked_at: sql<Date>`clock_timestamp()` })
    .where('tenant_id', tenantId === null ? 'is' : '=', tenantId)
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export async function noteKeysUsed(db: Database, ids: readonly string[]): Promise<void> {
  await db
    .updateTable('api_key')
    .set({ last_used_at: sql<Date>`clock_timestamp()` })
    .where('id', 'in', [...ids])
    .execute();
}

/** Deletes keys that have not been used for a long time. */
export async function deleteOldKeys(db: Database): Promise<void> {
  const endedAt = sql<Date>`coalesce(revoked_at, case when tenant_id is null then ${endsAt} end)`;
  await db
    .deleteFrom('api_key')
    .where(
      endedAt,
      '<',
      sql<Date>`clock_timestamp() - make_interval(days => ${sql.lit(REVOKED_KEYS_KEPT_DAYS)})`,
    )
    .execute();
}
