// Which statements keep tenants?
import type { Database } from '#database/connection.js';
import type { Slot, TenantId } from '#kernel/ids.js';

export interface Tenant {
  id: TenantId;
  name: string;
  displayName: string;
  slot: Slot;
  state: 'active' | 'suspended';
  createdAt: Date;
  revision: number;
}

const columns = [
  'id',
  'name',
  'display_name as displayName',
  'slot',
  'state',
  'created_at as createdAt',
  'revision',
] as const;

/** Throws a unique violation when the name is taken. */
export async function insertTenant(
  db: Database,
  tenant: Pick<Tenant, 'id' | 'name' | 'displayName' | 'slot'>,
): Promise<Tenant> {
  return db
    .insertInto('tenant')
    .values({ id: tenant.id, name: tenant.name, display_name: tenant.displayName, slot: tenant.slot })
    .returning(columns)
    .executeTakeFirstOrThrow();
}

export async function findTenant(db: Database, name: string): Promise<Tenant | undefined> {
  return db.selectFrom('tenant').select(columns).where('name', '=', name).executeTakeFirst();
}

export async function listTenants(
  db: Database,
  page: { onlyId: TenantId | null; afterName: string | null; limit: number },
): Promise<Tenant[]> {
  return db
    .selectFrom('tenant')
    .select(columns)
    .$if(page.onlyId !== null, (query) => query.where('id', '=', page.onlyId))
    .$if(page.afterName !== null, (query) => query.where('name', '>', page.afterName ?? ''))
    .orderBy('name')
    .limit(page.limit)
    .execute();
}
