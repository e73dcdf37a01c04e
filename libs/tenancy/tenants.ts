// Makes tenants, each with a new id and the slot that the id falls into for ever.
import { slotOf } from '#cluster/slots/decisions/slot.js';
import type { Database } from '#database/connection.js';
import { isUniqueViolation } from '#database/error-kind.js';
import { placementHash } from '#database/runtime/hash.js';
import { randomUUID } from '#database/runtime/uuid.js';
import { asId } from '#kernel/ids.js';
import { insertTenant, type NewTenant, type Tenant } from './tenant.repository.js';

export type CreateTenantResult = { kind: 'created'; tenant: Tenant } | { kind: 'name-taken' };

export async function createTenant(
  db: Database,
  { slotCount, ...input }: Omit<NewTenant, 'id' | 'slot'> & { slotCount: number },
): Promise<CreateTenantResult> {
  const id = asId.tenant(randomUUID());
  const slot = asId.slot(slotOf(id, { slotCount, hash: placementHash }));
  try {
    return { kind: 'created', tenant: await insertTenant(db, { ...input, id, slot }) };
  } catch (error) {
    if (isUniqueViolation(error)) return { kind: 'name-taken' };
    throw error;
  }
}
