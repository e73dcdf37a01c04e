// The types of the tables, kept by hand beside the migrations, because a reviewed type is worth more than a generated
// one. test/integration/database/table-types.spec.ts compares them with a migrated database.
import type { Generated, JSONColumnType } from 'kysely';
import type {
  ClaimId,
  ReplicaNumber,
  RunId,
  ScheduleId,
  Slot,
  TenantId,
  TenantName,
  Term,
  WorkerId,
} from '#kernel/ids.js';
import type { DatabaseTime, DefaultedJson, Json, NullableInterval, NullableJson } from './column-types.js';
import type { KeyTables } from './key-schema.js';
import type { LeaseTables } from './lease-schema.js';
import type { LockTables } from './lock-schema.js';
import type { OperationTables } from './operation-schema.js';
import type { ScheduleTables } from './schedule-schema.js';

export interface InstallationTable {
  id: Generated<number>;
  slot_count: number;
  token_secret: Buffer;
  installed_at: DatabaseTime;
}

export interface LeadershipTable {
  id: number;
  term: Term;
  holder: string | null;
  replica: ReplicaNumber | null;
  elected_at: Date | null;
}

export type ReplicaState = 'active' | 'draining' | 'dead' | 'left';

export interface ReplicaTable {
  number: Generated<ReplicaNumber>;
  incarnation: string;
  name: string;
  host: string;
  pid: number;
  url: string | null;
  public_url: string | null;
  version: string;
  roles: string[];
  weight: Generated<number>;
  preference: Generated<number>;
  state: Generated<ReplicaState>;
  started_at: DatabaseTime;
  ended_at: Date | null;
  died_term: Term | null;
  died_reason: string | null;
}

export interface HeartbeatTable {
  replica: ReplicaNumber;
  beat: Generated<number>;
  beat_at: Generated<Date>;
  server_started_at: Generated<Date>;
}

interface OutageTable {
  from_at: Date;
  to_at: Date;
}

export interface RingTable {
  version: Generated<number>;
  term: Term;
  members: JSONColumnType<{ replica: ReplicaNumber; weight: number }[]>;
  created_at: DatabaseTime;
}

export interface SlotOwnerTable {
  slot: Slot;
  owner: ReplicaNumber | null;
  epoch: Generated<number>;
  target: ReplicaNumber | null;
  target_since: Date | null;
}

export interface ClusterEventTable {
  seq: Generated<number>;
  at: DatabaseTime;
  type: string;
  term: Term | null;
  replica: ReplicaNumber | null;
  data: DefaultedJson;
}

export interface TenantTable {
  id: TenantId;
  name: TenantName;
  display_name: string;
  slot: Slot;
  state: Generated<'active' | 'suspended'>;
  weight: Generated<number>;
  limits: DefaultedJson;
  retention_days: number | null;
  allowed_queues: Generated<string[]>;
  allowed_handlers: Generated<string[]>;
  suspended_at: Generated<Date | null>;
  resumed_at: Generated<Date | null>;
  created_at: DatabaseTime;
  revision: Generated<number>;
}

export interface ApiKeyTable {
  id: string;
  tenant_id: TenantId | null;
  name: string;
  hash: Buffer;
  role: 'admin' | 'tenant-admin' | 'worker';
  created_at: DatabaseTime;
  revoked_at: Date | null;
  /** How the secret begins; null for keys that are older than this column. */
  prefix: string | null;
  last_used_at: Date | null;
  /** When a replica last named the key as part of its configuration; null for keys made by the API. */
  named_at: Date | null;
}

export interface JobTypeTable {
  id: string;
  tenant_id: TenantId | null;
  name: string;
  kind: 'handler' | 'http' | 'pull' | 'queue';
  target: Json;
  payload_schema: NullableJson;
  retry: Json;
  timeout_ms: number;
  limits: DefaultedJson;
  output_schema: NullableJson;
  heartbeat_ms: number | null;
  locks: NullableJson;
  key_defaults: NullableJson;
  paused_at: Date | null;
  pause_reason: string | null;
  created_at: DatabaseTime;
  updated_at: Generated<Date>;
  revision: Generated<number>;
}

export interface RunTable {
  id: RunId;
  tenant_id: TenantId;
  slot: Slot;
  job_type: string;
  schedule_id: ScheduleId | null;
  due_at: Date | null;
  payload: Json;
  priority: Generated<number>;
  run_at: Date;
  attempt: Generated<number>;
  failures: Generated<number>;
  losses: Generated<number>;
  crashes: Generated<number>;
  started_by: ReplicaNumber | null;
  past_attempts: NullableJson<object[]>;
  created_at: DatabaseTime;
  queue: Generated<string>;
  concurrency_key: string | null;
  deadline: Date | null;
  tags: string[] | null;
  cancel_requested_at: Date | null;
  progress: NullableJson;
  details: NullableJson;
  locks: NullableJson;
  holds: NullableJson;
  lane: Generated<string>;
  unique_key: string | null;
  unique_window: NullableInterval;
  debounce_key: string | null;
  debounce_until: Date | null;
}

export interface ClaimTable {
  id: ClaimId;
  replica: ReplicaNumber;
  run_ids: RunId[];
  claimed_at: DatabaseTime;
  started: NullableJson;
}

export type RunOutcome = 'succeeded' | 'failed' | 'cancelled' | 'expired' | 'dead-lettered';

export interface RunHistoryTable {
  id: RunId;
  tenant_id: TenantId;
  slot: Slot;
  job_type: string;
  schedule_id: ScheduleId | null;
  due_at: Date | null;
  payload: Json;
  priority: number;
  run_at: Date;
  attempt: number;
  past_attempts: NullableJson<object[]>;
  created_at: Date;
  outcome: RunOutcome;
  replica: ReplicaNumber | null;
  worker: WorkerId | null;
  started_at: Date | null;
  finished_at: Date;
  output: NullableJson;
  error: NullableJson;
  queue: Generated<string>;
  concurrency_key: string | null;
  deadline: Date | null;
  tags: string[] | null;
  locks: NullableJson;
  progress: NullableJson;
  unique_key: string | null;
  unique_window: NullableInterval;
}

export interface RunLogTable {
  run_id: RunId;
  seq: Generated<number>;
  at: Date;
  attempt: number;
  replica: ReplicaNumber | null;
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  fields: NullableJson;
}

export interface RateBucketTable {
  tenant_id: TenantId;
  job_type: Generated<string>;
  spent_until: Date;
}

export interface QueueTable {
  tenant_id: TenantId;
  name: string;
  paused_at: Date | null;
  revision: Generated<number>;
}

export interface UniqueKeyTable {
  tenant_id: TenantId;
  key: string;
  run_id: RunId;
  expires_at: Date | null;
}

export interface IdempotencyKeyTable {
  scope: string;
  key: string;
  request: Buffer;
  status: number;
  headers: JSONColumnType<Record<string, string>>;
  body: string;
  created_at: DatabaseTime;
}

export interface Tables extends KeyTables, LeaseTables, LockTables, OperationTables, ScheduleTables {
  installation: InstallationTable;
  leadership: LeadershipTable;
  replica: ReplicaTable;
  heartbeat: HeartbeatTable;
  outage: OutageTable;
  ring: RingTable;
  slot_owner: SlotOwnerTable;
  cluster_event: ClusterEventTable;
  tenant: TenantTable;
  api_key: ApiKeyTable;
  job_type: JobTypeTable;
  run: RunTable;
  claim: ClaimTable;
  run_history: RunHistoryTable;
  queue: QueueTable;
  run_log: RunLogTable;
  rate_bucket: RateBucketTable;
  unique_key: UniqueKeyTable;
  idempotency_key: IdempotencyKeyTable;
}
