// Which slot does a tenant live in? The answer is stored with the tenant and never changes: replicas come
// and go, slots move between them, but a tenant stays in its slot. That is why the number of slots is
// fixed when an installation is made.
import type { HashFunction } from './ring.js';

/** With 48-bit hashes and 1,024 slots every slot is equally likely. */
export function slotOf(
  tenantId: string,
  { slotCount, hash }: { slotCount: number; hash: HashFunction },
): number {
  return hash(tenantId) % slotCount;
}
