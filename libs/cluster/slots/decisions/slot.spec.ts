// Is a tenant's slot settled by its id alone, and are the slots evenly lived in?
import { hash as digest } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { HashFunction } from './ring.js';
import { slotOf } from './slot.js';

const sha256: HashFunction = (text) => digest('sha256', text, 'buffer').readUIntBE(0, 6);

describe('slotOf', () => {
  it.each([
    ['00000000-0000-7000-8000-000000000001', 948],
    ['00000000-0000-7000-8000-000000000002', 133],
  ])('keeps the published slot of tenant %s', (tenantId, slot) => {
    expect(slotOf(tenantId, { slotCount: 1024, hash: sha256 })).toBe(slot);
  });

  it('spreads tenants over the slots as chance would', () => {
    const tenants = Array.from({ length: 64 }, () => 0);
    for (let tenant = 0; tenant < 64_000; tenant += 1) {
      const slot = slotOf(`tenant ${tenant}`, { slotCount: 64, hash: sha256 });
      tenants[slot] = (tenants[slot] ?? 0) + 1;
    }
    // 1,000 each on average with a standard deviation of 31: five of them either way.
    expect(Math.min(...tenants)).toBeGreaterThan(1000 - 160);
    expect(Math.max(...tenants)).toBeLessThan(1000 + 160);
  });
});
