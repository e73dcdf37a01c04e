// The tables of work outside of the replicas. A part of schema.ts.
import type { ColumnType, Generated } from 'kysely';
import type { LeaseId, ReplicaNumber, RunId, Slot, TenantId, WorkerId } from '#kernel/ids.js';
import type { DatabaseTime, DefaultedJson, Json } from './column-types.js';

export type WorkerState = 'run' | 'quiet' | 'terminate';

interface WorkerTable {
  id: WorkerId;
  tenant_id: TenantId;
  name: string;
  job_types: string[];
  concurrency: number;
  /** The previous version's name of concurrency; a trigger keeps the two equal. */
  slots: ColumnType<number | null, never, never>;
  labels: DefaultedJson;
  state: Generated<WorkerState>;
  registered_at: DatabaseTime;
  heartbeat_at: Generated<Date>;
}

export interface LeaseTable {
  id: LeaseId;
  run_id: RunId;
  kind: 'pull' | 'push';
  tenant_id: TenantId;
  slot: Slot;
  job_type: string;
  queue: string;
  concurrency_key: string | null;
  priority: number;
  attempt: number;
  run_at: Date;
  deadline: Date | null;
  replica: ReplicaNumber;
  state: 'offered' | 'taken';
  offered_at: Date;
  lease_ms: number | null;
  timeout_ms: number;
  worker: WorkerId | null;
  request_id: string | null;
  request: Buffer | null;
  fencing: number | null;
  taken_at: Date | null;
  heartbeat_at: Date | null;
  times_out_at: Date | null;
  expires_at: Date;
}

interface EndedLeaseTable {
  id: LeaseId;
  verb: string;
  answer: Json;
  attempt: number | null;
  ended_at: DatabaseTime;
}

interface WebhookSecretTable {
  id: string;
  tenant_id: TenantId;
  secret: string;
  created_at: DatabaseTime;
  expires_at: Date | null;
}

export interface LeaseTables {
  worker: WorkerTable;
  lease: LeaseTable;
  ended_lease: EndedLeaseTable;
  webhook_secret: WebhookSecretTable;
}
