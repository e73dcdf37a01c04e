// How does a test play a caller who wants the lock that runs want, too? With a door of its tenant.
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';
import { acquire } from '#locks/acquiring.js';
import type { LockWish } from '#locks/lock.js';
import { WAITS } from './locks.js';

export const DOOR: LockWish = { name: 'door', mode: 'exclusive', permits: 1 };

/** The tenant is read when it is needed: each test has another one. */
export function useDoor(site: { readonly db: Database; readonly tenant: { readonly id: TenantId } }) {
  const byCaller = (holder: string, waiting: typeof WAITS | null = null) =>
    acquire(
      site.db,
      { tenantId: site.tenant.id, holder, wishes: [DOOR], leaseMs: 60_000, isReentrant: false },
      waiting,
    );
  return {
    byCaller,
    rows: async (table: 'lock_hold' | 'lock_wait'): Promise<number> => {
      const { rows } = await sql<{
        number: number;
      }>`select count(*)::int as number from ${sql.table(`carillon.${table}`)}`.execute(site.db);
      return rows[0]?.number ?? -1;
    },
    /** A caller's hold of the door. */
    taken: async (holder = 'caller') => {
      const got = await byCaller(holder, WAITS);
      if (got.kind !== 'held') return expect.unreachable(`expected a hold, got ${got.kind}`);
      return { tenantId: site.tenant.id, name: 'door', token: got.holds[0]?.token ?? 0 };
    },
  };
}
