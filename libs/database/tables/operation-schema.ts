// The table of long work that requests have started. A part of schema.ts.
import type { ColumnType, Generated } from 'kysely';
import type { OperationId, RunId, TenantId } from '#kernel/ids.js';
import type { DatabaseTime, DefaultedJson, Json } from './column-types.js';

export type OperationState = 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';

interface OperationTable {
  id: OperationId;
  tenant_id: TenantId;
  kind: string;
  target: string | null;
  state: Generated<OperationState>;
  input: Json;
  items: string[];
  done: Generated<number>;
  counts: DefaultedJson<Record<string, number>>;
  unfinished_runs: ColumnType<RunId[], RunId[] | undefined, RunId[]>;
  error: string | null;
  carry_at: Generated<Date>;
  created_at: DatabaseTime;
  updated_at: Generated<Date>;
  ended_at: Date | null;
}

export interface OperationTables {
  operation: OperationTable;
}
