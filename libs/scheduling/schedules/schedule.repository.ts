// The schedules themselves. A stored spec or catch-up policy that this version can't read, because another version or a
// person wrote it, is read as null and stays as it is until a change replaces it: its tenant can still see, change and
// delete the schedule.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import { readFitting, type FittingPage } from '#database/fitting-page.repository.js';
import type { ScheduleId, Slot, TenantId } from '#kernel/ids.js';
import type { Overlap } from '#kernel/schedule-key.js';
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import { isInstant, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import type { ScheduleState } from '#scheduling/decisions/schedule-state.js';
import { readCatchUp, writeCatchUp } from '#scheduling/stored-catch-up.js';
import { readSpec, writeSpec } from '#scheduling/stored-spec.js';
import {
  readOverlap,
  writeRunOptions,
  type RunsChange,
  type ScheduleRunOptions,
} from './stored-run-options.js';

export interface Schedule extends ScheduleRunOptions {
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
  payload: unknown;
  state: ScheduleState;
  /** Of the last pause, unless it was resumed. */
  pausedAt: Date | null;
  /** Null for a pause that lasts until the schedule is resumed. */
  pausedUntil: Date | null;
  pauseReason: string | null;
  /** Not once the end of the pause has passed. */
  isPaused: boolean;
  /** The first due time that is not planned yet; null when none will come. */
  nextDueAt: Date | null;
  /** What was due until then was asked for by another spec; null if there never was one. */
  specSince: Date | null;
  /** The first due time that is planned and still ahead. */
  plannedDueAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  revision: number;
}

const columns = [
  'id',
  'tenant_id as tenantId',
  'slot',
  'name',
  'job_type as jobType',
  'spec',
  'catch_up as catchUp',
  'payload',
  'queue',
  'concurrency_key as concurrencyKey',
  'tags',
  'priority',
  'deadline_seconds as deadlineSeconds',
  'jitter_seconds as jitterSeconds',
  'jitter_ms as jitterMs',
  'pause_after_failures as pauseAfterFailures',
  sql<number>`carillon.consecutive_failures(schedule.id, schedule.failures_since)`.as('consecutiveFailures'),
  'state',
  'paused_at as pausedAt',
  'paused_until as pausedUntil',
  'pause_reason as pauseReason',
  sql<boolean>`state = 'paused' and coalesce(paused_until > clock_timestamp(), true)`.as('isPaused'),
  'next_due_at as nextDueAt',
  'spec_since as specSince',
  'created_at as createdAt',
  'updated_at as updatedAt',
  'revision',
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
  | 'createdAt'
  | 'updatedAt'
  | 'revision'
  | 'state'
  | 'overlap'
  | 'pauseAfterFailures'
  | 'jitterMs'
  | 'consecutiveFailures'
  | 'pausedAt'
  | 'pausedUntil'
  | 'pauseReason'
  | 'isPaused'
  | keyof ScheduleRunOptions
> & {
  spec: ScheduleSpec;
  runOptions: RunsChange;
  /** Null for the default. */
  catchUp: CatchUp | null;
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

export async function listSchedules(
  db: Database,
  page: { tenantId: TenantId; afterName: string | null; limit: number },
): Promise<FittingPage<Schedule>> {
  const wanted = db
    .selectFrom('schedule')
    .select(columns)
    .where('tenant_id', '=', page.tenantId)
    .$if(page.afterName !== null, (query) => query.where('name', '>', page.afterName ?? ''))
    .orderBy('name')
    .limit(page.limit);
  const { rows, isCut } = await readFitting(db, wanted);
  return { rows: rows.map(readable), isCut };
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
> & {
  /** Null for the default; undefined leaves what is stored. */
  catchUp?: CatchUp | null | undefined;
  runOptions?: RunsChange | undefined;
};

/** The caller holds the row's lock. Each change makes a new revision, which also voids a plan in the making. */
export async function updateSchedule(tx: Tx, change: ScheduleChange): Promise<Schedule> {
  const row = await tx
    .updateTable('schedule')
    .set({
      job_type: change.jobType,
      ...(change.spec === null ? {} : { spec: JSON.stringify(writeSpec(change.spec)) }),
      ...(change.catchUp === undefined ? {} : { catch_up: writeCatchUp(change.catchUp) }),
      ...writeRunOptions(change.id, change.runOptions ?? {}),
      payload: JSON.stringify(change.payload),
      state: change.state,
      paused_at: change.pausedAt,
      paused_until: change.pausedUntil,
      pause_reason: change.pauseReason,
      next_due_at: change.nextDueAt,
      spec_since: change.specSince,
      updated_at: sql<Date>`clock_timestamp()`,
      revision: sql<number>`revision + 1`,
    })
    .where('id', '=', change.id)
    .returning(columns)
    .executeTakeFirstOrThrow();
  return readable(row);
}

export async function deleteSchedule(tx: Tx, id: ScheduleId): Promise<void> {
  await tx.deleteFrom('schedule').where('id', '=', id).execute();
}

interface Stored {
  spec: unknown;
  catchUp: unknown;
  concurrencyKey: string | null;
  nextDueAt: Date | null;
}

function readable<Row extends Stored>(
  row: Row,
): Omit<Row, keyof Stored> & Pick<Schedule, keyof Stored | 'overlap'> {
  const { spec, catchUp, concurrencyKey, nextDueAt } = row;
  // The driver reads infinity as a number.
  const isReadable = nextDueAt instanceof Date && isInstant(nextDueAt);
  return {
    ...row,
    spec: readSpec(spec),
    catchUp: readCatchUp(catchUp),
    ...readOverlap(concurrencyKey),
    nextDueAt: isReadable ? nextDueAt : null,
  };
}
