// Does a key open just what it is for (I10)?
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { maySeeTenant } from './api-key.js';

const ours = asId.tenant('00000000-0000-7000-8000-000000000001');
const theirs = asId.tenant('00000000-0000-7000-8000-000000000002');

describe('a key', () => {
  it('of a tenant sees that tenant and no other', () => {
    const principal = { role: 'tenant-admin', tenantId: ours, by: 'key' } as const;
    expect([maySeeTenant(principal, ours), maySeeTenant(principal, theirs)]).toEqual([true, false]);
  });

  it('of an administrator sees every tenant', () => {
    const principal = { role: 'admin', by: 'key' } as const;
    expect([maySeeTenant(principal, ours), maySeeTenant(principal, theirs)]).toEqual([true, true]);
  });
});
