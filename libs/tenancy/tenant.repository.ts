// Tenants, each with its slot, its state, its weight and its limits.
import type { Database } from '#database/connection.js';
import { readFitting, type FittingPage } from '#database/fitting-page.repository.js';
import { asId, type Slot, type TenantId, type TenantName } from '#kernel/ids.js';

export interface Tenant {
  id: TenantId;
  name: TenantName;
  displayName: string;
  slot: Slot;
  state: 'active' | 'suspended';
  /** Its share of running time, in proportion to the others'. */
  weight: number;
  limits: object;
  /** Null for the installation's own. */
  retentionDays: number | null;
  /** The queues of the user's pg-boss that its job types may name; `*` is all. */
  allowedQueues: string[];
  /** The handlers that its own job types may name; `*` is all. */
  allowedHandlers: string[];
  createdAt: Date;
  revision: number;
}

/** The columns of a Tenant. */
export const TENANT_COLUMNS = [
  'id',
  'name',
  'display_name as displayName',
  'slot',
  'state',
  'weight',
  'limits',
  'retention_days as retentionDays',
  'allowed_queues as allowedQueues',
  'allowed_handlers as allowedHandlers',
  'created_at as createdAt',
  'revision',
] as const;

export type NewTenant = { name: string } & Pick<Tenant, 'id' | 'displayName' | 'slot'> &
  Partial<Pick<Tenant, 'weight' | 'limits' | 'retentionDays' | 'allowedQueues' | 'allowedHandlers'>>;

/** Throws a unique violation when the name is taken. */
export async function insertTenant(db: Database, tenant: NewTenant): Promise<Tenant> {
  const { id, name, displayName, slot, weight = 1, limits = {}, retentionDays = null } = tenant;
  const { allowedQueues = [], allowedHandlers = [] } = tenant;
  return db
    .insertInto('tenant')
    .values({
      id,
      name: asId.tenantName(name),
      display_name: displayName,
      slot,
      weight,
      limits: JSON.stringify(limits),
      retention_days: retentionDays,
      allowed_queues: allowedQueues,
      allowed_handlers: allowedHandlers,
    })
    .returning(TENANT_COLUMNS)
    .executeTakeFirstOrThrow();
}

export async function findTenant(db: Database, name: string): Promise<Tenant | undefined> {
  return db
    .selectFrom('tenant')
    .select(TENANT_COLUMNS)
    .where('name', '=', asId.tenantName(name))
    .executeTakeFirst();
}

export async function listTenants(
  db: Database,
  page: { onlyId: TenantId | null; afterName: string | null; limit: number },
): Promise<FittingPage<Tenant>> {
  const wanted = db
    .selectFrom('tenant')
    .select(TENANT_COLUMNS)
    .$if(page.onlyId !== null, (query) => query.where('id', '=', page.onlyId))
    .$if(page.afterName !== null, (query) => query.where('name', '>', asId.tenantName(page.afterName ?? '')))
    .orderBy('name')
    .limit(page.limit);
  return readFitting(db, wanted);
}

type Changeable = Omit<Tenant, 'id' | 'name' | 'slot' | 'createdAt' | 'revision'>;
export type TenantChange = { [Field in keyof Changeable]?: Changeable[Field] | undefined };

/** Undefined when the tenant is gone, or no longer at that revision. */
export async function updateTenant(
  db: Database,
  { id, revision }: { id: TenantId; revision: number | null },
  change: TenantChange,
): Promise<Tenant | undefined> {
  const { displayName, state, weight, limits, retentionDays, allowedQueues, allowedHandlers } = change;
  return db
    .updateTable('tenant')
    .set((eb) => ({
      revision: eb('revision', '+', 1),
      ...(displayName === undefined ? {} : { display_name: displayName }),
      ...(state === undefined ? {} : { state }),
      ...(weight === undefined ? {} : { weight }),
      ...(limits === undefined ? {} : { limits: JSON.stringify(limits) }),
      ...(retentionDays === undefined ? {} : { retention_days: retentionDays }),
      ...(allowedQueues === undefined ? {} : { allowed_queues: allowedQueues }),
      ...(allowedHandlers === undefined ? {} : { allowed_handlers: allowedHandlers }),
    }))
    .where('id', '=', id)
    .$if(revision !== null, (query) => query.where('revision', '=', revision))
    .returning(TENANT_COLUMNS)
    .executeTakeFirst();
}
