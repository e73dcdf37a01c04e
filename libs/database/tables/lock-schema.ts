// The tables of named locks: who holds them, who waits for them, and the semaphores. A part of schema.ts.
import type { Generated } from 'kysely';
import type { ReplicaNumber, RunId, TenantId } from '#kernel/ids.js';
import type { DatabaseTime } from './column-types.js';

type LockMode = 'exclusive' | 'shared' | 'permits';

interface SemaphoreTable {
  tenant_id: TenantId;
  name: string;
  permits: number;
  created_at: DatabaseTime;
  updated_at: Generated<Date>;
  revision: Generated<number>;
}

interface LockHoldTable {
  tenant_id: TenantId;
  name: string;
  token: Generated<number>;
  holder: string;
  mode: LockMode;
  permits: number;
  depth: Generated<number>;
  acquired_at: DatabaseTime;
  /** Infinite, which the driver reads as a number, for a run's. */
  expires_at: Date;
  run_id: RunId | null;
}

interface LockWaitTable {
  tenant_id: TenantId;
  name: string;
  ticket: number;
  holder: string;
  mode: LockMode;
  permits: number;
  replica: ReplicaNumber | null;
  until: Date;
}

interface LockCheckTable {
  id: Generated<number>;
  tenant_id: TenantId;
  name: string;
  token: number;
}

export interface LockTables {
  semaphore: SemaphoreTable;
  lock_hold: LockHoldTable;
  lock_wait: LockWaitTable;
  lock_check: LockCheckTable;
}
