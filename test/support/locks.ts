// How does a test ask for locks at the database? With builders that ask for the usual thing, for a new tenant in each test.
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { beforeEach, expect } from 'vitest';
import type { Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';
import { acquire, type Acquisition } from '#locks/acquiring.js';
import type { Waiting } from '#locks/acquiring.repository.js';
import { releaseHold, type Release } from '#locks/hold.repository.js';
import { inOrder, type LockHold, type LockWish } from '#locks/lock.js';
import { addTenant } from './rows.js';

export const LEASE_MS = 60_000;
export const WAITS: Waiting = { ms: 60_000, replica: null };

export interface Asked {
  holder?: string;
  mode?: LockWish['mode'];
  permits?: number;
  names?: readonly string[];
  leaseMs?: number;
  reentrant?: boolean;
  waiting?: Waiting | null;
}

export function held(acquisition: Acquisition): LockHold {
  if (acquisition.kind !== 'held') expect.unreachable(`expected a hold, got ${acquisition.kind}`);
  const [hold] = acquisition.holds;
  return hold ?? expect.unreachable('expected a hold, got none');
}

export function useLocks(db: Database) {
  let tenantId: TenantId;
  beforeEach(async () => {
    tenantId = (await addTenant(db)).id;
  });
  const ask = async (asked: Asked = {}, on: Database = db): Promise<Acquisition> => {
    const { mode = 'exclusive', permits = 1, names = ['door'], holder = randomUUID() } = asked;
    const wishes = inOrder(names.map((name) => ({ name, mode, permits })));
    const { leaseMs = LEASE_MS, reentrant = false, waiting = null } = asked;
    return acquire(on, { tenantId, holder, wishes, leaseMs, isReentrant: reentrant }, waiting);
  };
  return {
    get tenantId() {
      return tenantId;
    },
    ask,
    hold: async (asked: Asked = {}): Promise<LockHold> => held(await ask(asked)),
    release: ({ name, token }: LockHold): Promise<Release> => releaseHold(db, { tenantId, name, token }),
    /** Its lease ended a moment ago. */
    expire: async ({ name, token }: LockHold): Promise<void> => {
      await db
        .updateTable('lock_hold')
        .set({ expires_at: sql<Date>`clock_timestamp() - interval '1 ms'` })
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .where('token', '=', token)
        .execute();
    },
  };
}
