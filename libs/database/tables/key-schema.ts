// The table of keys whose runs start in their order, and that a run blocks. A part of schema.ts.
import type { RunId, Slot, TenantId } from '#kernel/ids.js';
import type { DatabaseTime } from './column-types.js';

interface KeyBlockTable {
  tenant_id: TenantId;
  job_type: string;
  key: string;
  run_id: RunId;
  slot: Slot;
  lane: string;
  since: DatabaseTime;
}

export interface KeyTables {
  key_block: KeyBlockTable;
}
