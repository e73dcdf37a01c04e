// What may the holder of a key do? An admin's key speaks for the whole installation, a tenant's only for
// that tenant, and a worker's for no more of it than a worker needs. What a key may not see does not exist for it: the answer is "not found", never "forbidden".
import type { TenantId } from '#kernel/ids.js';

export type TenantRole = 'tenant-admin' | 'worker';
export type Principal = { role: 'admin' } | { role: TenantRole; tenantId: TenantId };

export function maySeeTenant(principal: Principal, tenantId: TenantId): boolean {
  return principal.role === 'admin' || principal.tenantId === tenantId;
}

/** Whether the key may do what is not marked as a worker's to do. */
export function mayManage(principal: Principal): boolean {
  return principal.role !== 'worker';
}
