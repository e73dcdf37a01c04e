// The schedules themselves. A stored spec or catch-up policy that this version can't read, because another version or a
// person wrote it, is read as null and stays as it is until a change replaces it: its tenant can still see, change and
// delete the schedule.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { ScheduleId, Slot, TenantId } from '#kernel/ids.js';
import type { Overlap } from '#kernel/schedule-key.js';
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import type { ScheduleState } from '#scheduling/decisions/schedule-state.js';
import { writeCatchUp } from '#scheduling/stored-catch-up.js';
import { writeSpec } from '#scheduling/stored-spec.js';
import { awaitingColumns, type Awaiting } from '#scheduling/following/waiting.repository.js';
import { readable, saidColumns } from './schedule-row.js';
import type { ScheduleSource } from './schedule-source.repository.js';
import {
  writeRunOptions,
  type KeyParts,
  type Labels,
  type RunsChange,
  type ScheduleRunOptions,
} from './stored-run-options.js';

export interface Schedule extends ScheduleRunOptions, ScheduleSource, Awaiting {
  id: ScheduleId;
  tenantId: TenantId;
  slot: Slot;
  name: string;
  jobType: string;
  /** Null when it can't be read. */
  spec: ScheduleSpec | null;
  /** Null when it can't be read. */
  catchUp: CatchUp | null;
  overlap: Overlap;
  /** By how much its runs start later than they are due; null for at once. */
  jitterMs: number | null;
  /** It pauses when so many runs failed one after the other; null for never. */
  pauseAfterFailures: number | null;
  /** How many of its last runs failed one after the other, at most a hundred. */
  consecutiveFailures: number;
  labels: Labels;
  payload: unknown;
  state: ScheduleState;
  /** Of the last pause, unless it was resumed. */
  pausedAt: Date | null;
  /** Null for a pause that lasts until the schedule is resumed. */
  pausedUntil: Date | null;
  pauseReason: string | null;
  /** Not once the end of the pause has passed. */
  isPaused: boolean;
  /** The first due time that is not planned yet; null when none will come, or none is known. */
  nextDueAt: Date | null;
  /** What was due until then was asked for by another spec; null if there never was one. */
  specSince: Date | null;
  /** The first due time that is planned and still ahead. */
  plannedDueAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  revision: number;
}

export const columns = [
  ...saidColumns,
  ...awaitingColumns,
  sql<number>`carillon.consecutive_failures(schedule.id, schedule.failures_since)`.as('consecutiveFailures'),
  sql<boolean>`state = 'paused' and coalesce(paused_until > clock_timestamp(), true)`.as('isPaused'),
  sql<Date | null>`(select min(f.due_at) from carillon.fire f
                     where f.schedule_id = schedule.id and f.outcome = 'planned' and f.due_at > now())`.as(
    'plannedDueAt',
  ),
] as const;

export type NewSchedule = Omit<
  Schedule,
  | 'spec'
  | 'specSince'
  | 'plannedDueAt'
  | 'updatedAt'
  | 'revision'
  | 'state'
  | 'overlap'
  | 'pauseAfterFailures'
  | 'jitterMs'
  | 'consecutiveFailures'
  | 'labels'
  | 'pausedAt'
  | 'pausedUntil'
  | 'pauseReason'
  | 'isPaused'
  | keyof ScheduleSource
  | keyof Awaiting
  | keyof ScheduleRunOptions
> & {
  spec: ScheduleSpec;
  source: Schedule['source'];
  runOptions: RunsChange;
  /** Null for the default. */
  catchUp: CatchUp | null;
  by: string;
};

/** Throws a unique violation when the tenant has a schedule of that name. */
export async function insertSchedule(db: Database, schedule: NewSchedule): Promise<Schedule> {
  const row = await db
    .insertInto('schedule')
    .values({
      id: schedule.id,
      tenant_id: schedule.tenantId,
      slot: schedule.slot,
      name: schedule.name,
      job_type: schedule.jobType,
      spec: JSON.stringify(writeSpec(schedule.spec)),
      catch_up: writeCatchUp(schedule.catchUp),
      payload: JSON.stringify(schedule.payload),
      next_due_at: schedule.nextDueAt,
      created_at: schedule.createdAt,
      updated_at: schedule.createdAt,
      changed_by: schedule.by,
      changed_in: 1,
      source: schedule.source,
      ...writeRunOptions(schedule.id, schedule.runOptions),
    })
    .returning(columns)
    .executeTakeFirstOrThrow();
  return readable(row);
}

export async function findSchedule(
  db: Database,
  { tenantId, name }: { tenantId: TenantId; name: string },
): Promise<Schedule | undefined> {
  const row = await db
    .selectFrom('schedule')
    .select(columns)
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .executeTakeFirst();
  return row && readable(row);
}

/** Locks the row: its planning waits until the caller's transaction is over. */
export async function lockSchedule(
  tx: Tx,
  { tenantId, name }: { tenantId: TenantId; name: string },
): Promise<Schedule | undefined> {
  const row = await tx
    .selectFrom('schedule')
    .select(columns)
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst();
  return row && readable(row);
}

export type ScheduleChange = Pick<
  Schedule,
  | 'id'
  | 'jobType'
  | 'spec'
  | 'specSince'
  | 'payload'
  | 'state'
  | 'pausedAt'
  | 'pausedUntil'
  | 'pauseReason'
  | 'nextDueAt'
  | keyof KeyParts
> & {
  /** Null for the default; undefined leaves what is stored. */
  catchUp?: CatchUp | null | undefined;
  runOptions?: RunsChange | undefined;
  by: string;
};

/** The caller holds the row's lock. Each change makes a new revision, which also voids a plan in the making. */
export async function updateSchedule(tx: Tx, change: ScheduleChange): Promise<Schedule> {
  const row = await tx
    .updateTable('schedule')
    .set({
      job_type: change.jobType,
      ...(change.spec === null ? {} : { spec: JSON.stringify(writeSpec(change.spec)) }),
      ...(change.catchUp === undefined ? {} : { catch_up: writeCatchUp(change.catchUp) }),
      ...writeRunOptions(change.id, change.runOptions ?? {}, change),
      payload: JSON.stringify(change.payload),
      state: change.state,
      paused_at: change.pausedAt,
      paused_until: change.pausedUntil,
      pause_reason: change.pauseReason,
      next_due_at: change.nextDueAt,
      spec_since: change.specSince,
      changed_by: change.by,
      changed_in: sql<number>`revision + 1`,
      updated_at: sql<Date>`clock_timestamp()`,
      revision: sql<number>`revision + 1`,
    })
    .where('id', '=', change.id)
    .returning(columns)
    .executeTakeFirstOrThrow();
  return readable(row);
}

/** `now` is until when its due times are decided. */
export async function deleteSchedule(
  tx: Tx,
  { id, by, now }: { id: ScheduleId; by: string; now: Date },
): Promise<void> {
  await sql`
    with said as (
      insert into carillon.schedule_revision (schedule_id, revision, tenant_id, said, payload, ended_at, is_deleted, deleted_by)
      select id, revision, tenant_id, to_jsonb(s) - 'payload', payload, ${now}, true, ${by} from carillon.schedule s where id = ${id})
    delete from carillon.schedule where id = ${id}`.execute(tx);
}
