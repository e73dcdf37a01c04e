// What may the holder of a key do? An admin's key speaks for the whole installation, a tenant's only for
// that tenant. What a key may not see does not exist for it: the answer is "not found", never "forbidden".
import type { TenantId } from '#kernel/ids.js';

export type Principal = { role: 'admin' } | { role: 'tenant-admin'; tenantId: TenantId };

export function maySeeTenant(principal: Principal, tenantId: TenantId): boolean {
  return principal.role === 'admin' || principal.tenantId === tenantId;
}
