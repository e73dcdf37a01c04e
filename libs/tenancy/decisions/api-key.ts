// What may the holder of a key do? An admin's key speaks for the whole installation, a tenant's only for that tenant,
// and a worker's only for the part of it that a worker needs. An object that a key may not see does not exist for it:
// the answer is "not found", never "forbidden".
import type { TenantId } from '#kernel/ids.js';

export type TenantRole = 'tenant-admin' | 'worker';
export type Principal = ({ role: 'admin' } | { role: TenantRole; tenantId: TenantId }) & {
  /** The key, as records of what was changed name it. */
  by: string;
};

export function maySeeTenant(principal: Principal, tenantId: TenantId): boolean {
  return principal.role === 'admin' || principal.tenantId === tenantId;
}

/** Whether the key may use routes that are not marked as a worker's. */
export function mayManage(principal: Principal): boolean {
  return principal.role !== 'worker';
}
