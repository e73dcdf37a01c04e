// The tables of schedules and calendars, of the ledger of their due times, and of gaps, whose due times are not in the
// ledger yet. A part of schema.ts.
import type { Generated } from 'kysely';
import type { CalendarId, RunId, ScheduleId, TenantId, Slot, Term } from '#kernel/ids.js';
import type { DatabaseTime, DefaultedJson, Json, NullableJson } from './column-types.js';

type ScheduleState = 'active' | 'paused';

interface ScheduleTable {
  id: ScheduleId;
  tenant_id: TenantId;
  slot: Slot;
  name: string;
  job_type: string;
  spec: Json;
  payload: DefaultedJson<unknown[] | object>;
  state: Generated<ScheduleState>;
  paused_at: Date | null;
  paused_until: Date | null;
  pause_reason: string | null;
  next_due_at: Date | null;
  spec_since: Date | null;
  catch_up: NullableJson;
  queue: string | null;
  concurrency_key: string | null;
  tags: string[] | null;
  priority: number | null;
  deadline_seconds: number | null;
  pause_after_failures: number | null;
  failures_since: Date | null;
  jitter_seconds: number | null;
  jitter_ms: number | null;
  locks: NullableJson<{ name: string; mode: 'exclusive' | 'shared' | 'permits'; permits: number }[]>;
  labels: DefaultedJson<Record<string, string>>;
  source: Generated<'api' | 'code'>;
  removed_from_code_at: Date | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  revision: Generated<number>;
  changed_by: string | null;
  changed_in: number | null;
}

interface ScheduleRevisionTable {
  schedule_id: ScheduleId;
  revision: number;
  tenant_id: TenantId;
  said: Json;
  payload: NullableJson;
  ended_at: DatabaseTime;
  is_deleted: Generated<boolean>;
  deleted_by: string | null;
}

export type FireOutcome = 'planned' | 'fired' | 'late' | 'skipped' | 'coalesced' | 'missed';

interface FireTable {
  schedule_id: ScheduleId;
  due_at: Date;
  tenant_id: TenantId;
  outcome: FireOutcome;
  reason: string | null;
  run_id: RunId | null;
  term: Term;
  planned_at: DatabaseTime;
  started_at: Date | null;
  jitter_ms: number | null;
}

interface ScheduleGapTable {
  id: Generated<number>;
  schedule_id: ScheduleId;
  tenant_id: TenantId;
  spec: Json;
  state: ScheduleState;
  paused_until: Date | null;
  suspended_at: Date | null;
  resumed_at: Date | null;
  from_at: Date;
  to_at: Date;
  outcome: Generated<'missed' | 'coalesced'>;
  reason: string;
}

interface CalendarTable {
  id: CalendarId;
  tenant_id: TenantId;
  name: string;
  description: string | null;
  dates: string[];
  created_at: DatabaseTime;
  updated_at: Generated<Date>;
  revision: Generated<number>;
  dates_revision: Generated<number>;
}

interface ScheduleCalendarTable {
  schedule_id: ScheduleId;
  calendar_id: CalendarId;
  dates_revision: number;
}

interface CalendarChangeTable {
  id: Generated<number>;
  calendar_id: CalendarId;
}

interface ScheduleFailureTable {
  id: Generated<number>;
  schedule_id: ScheduleId;
}

interface ScheduleFollowingTable {
  schedule_id: ScheduleId;
  id: Generated<number>;
  tenant_id: TenantId;
  followed_id: ScheduleId;
  delay_seconds: number;
  start_at: Date | null;
  end_at: Date | null;
}

interface DueNoteTable {
  id: Generated<number>;
  tenant_id: TenantId;
  schedule_id: ScheduleId;
  following_id: number;
  due_at: Date | null;
  is_placed: Generated<boolean>;
}

interface ScheduleDefinitionTable {
  tenant_id: TenantId;
  name: string;
  digest: string;
  since: Generated<Date>;
  seen_at: Generated<Date>;
}

export interface ScheduleTables {
  schedule: ScheduleTable;
  schedule_revision: ScheduleRevisionTable;
  fire: FireTable;
  schedule_gap: ScheduleGapTable;
  schedule_failure: ScheduleFailureTable;
  schedule_following: ScheduleFollowingTable;
  due_note: DueNoteTable;
  schedule_definition: ScheduleDefinitionTable;
  calendar: CalendarTable;
  schedule_calendar: ScheduleCalendarTable;
  calendar_change: CalendarChangeTable;
}
