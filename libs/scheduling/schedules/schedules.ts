// Creates, changes and deletes schedules. Each change takes back, in the same transaction, the plans that no owner has
// claimed, and sets the schedule's next due time to where the planner must continue. Due times from before a deletion or a
// new spec that have not started are left behind as a gap.
import type { Database, Tx } from '#database/connection.js';
import { isMissing, isUniqueViolation } from '#database/error-kind.js';
import { databaseTime } from '#database/time.repository.js';
import { randomUUID } from '#database/runtime/uuid.js';
import { asId, type Slot, type TenantId } from '#kernel/ids.js';
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import {
  boundsOf,
  nextDueAt,
  onAnyDay,
  validateSpec,
  type ScheduleSpec,
} from '#scheduling/decisions/due-times.js';
import { firstOfChain, followsRuns, isOver } from '#scheduling/decisions/kinds/following.js';
import { refusedToFollow, type Followed } from '#scheduling/following/refused.js';
import { countFollowers, hasUnfinishedRun } from '#scheduling/following/waiting.repository.js';
import { withSchedule, type NotHeld, type ScheduleRef } from './held-schedule.js';
import { pause, resume, type Pause, type PauseResult, type Resume } from './pauses.js';
import { endPlan, goOnAt } from './plan-end.js';
import * as rows from './schedule.repository.js';
import { isCodes, setSource } from './schedule-source.repository.js';
import type { RunsChange } from './stored-run-options.js';

export interface ScheduleInput {
  name: string;
  jobType: string;
  spec: ScheduleSpec;
  /** The default if there is none. */
  catchUp?: CatchUp | undefined;
  payload: unknown;
  runOptions?: RunsChange | undefined;
  /** Who makes it, as its revisions say. */
  by: string;
  /** The API if there is none. */
  source?: rows.Schedule['source'] | undefined;
}

/** It can be changed in the code alone, where the job type is defined. */
export interface DefinedInCode {
  kind: 'defined-in-code';
  jobType: string;
}

export interface InvalidSpec {
  kind: 'invalid-spec';
  field: string;
  expected: string;
  got: string;
}

export type CreateResult =
  { kind: 'created'; schedule: rows.Schedule } | { kind: 'name-taken' } | InvalidSpec;

export async function createSchedule(
  db: Database,
  tenant: { id: TenantId; slot: Slot },
  input: ScheduleInput,
): Promise<CreateResult> {
  const now = await databaseTime(db);
  const firstDueAt = firstDue(input.spec, now);
  if (firstDueAt !== null && !(firstDueAt instanceof Date)) return firstDueAt;
  const id = asId.schedule(randomUUID());
  try {
    const schedule = await rows.insertSchedule(db, {
      ...input,
      catchUp: input.catchUp ?? null,
      runOptions: input.runOptions ?? {},
      source: input.source ?? 'api',
      id,
      tenantId: tenant.id,
      slot: tenant.slot,
      nextDueAt: firstDueAt,
      // Its first due time is the first one after it, as audits expect.
      createdAt: now,
    });
    return { kind: 'created', schedule };
  } catch (error) {
    if (isUniqueViolation(error)) return { kind: 'name-taken' };
    return refusedByTables(error);
  }
}

export type ScheduleChange =
  | ({ kind: 'pause' } & Pause)
  | ({ kind: 'resume' } & Resume)
  | {
      kind: 'edit';
      jobType?: string | undefined;
      spec?: ScheduleSpec | undefined;
      /** Whether the new spec may have no due time ahead: then the schedule shows none. */
      mayEnd?: boolean;
      /** Null for the default. */
      catchUp?: CatchUp | null | undefined;
      payload?: unknown;
      runOptions?: RunsChange | undefined;
      /** The API if there is none. */
      source?: rows.Schedule['source'] | 'same' | undefined;
      /** Asked with the schedule in hand: the change may have waited long since its caller decided on it. */
      isStillWanted?: ((tx: Tx) => Promise<boolean>) | undefined;
    };

export type ChangeResult =
  | { kind: 'changed'; schedule: rows.Schedule }
  | { kind: 'unwanted' }
  | NotHeld
  | PauseResult
  | InvalidSpec
  | DefinedInCode;

export async function changeSchedule(
  db: Database,
  ref: ScheduleRef,
  change: ScheduleChange,
): Promise<ChangeResult> {
  return withSchedule(db, ref, (tx, schedule): Promise<ChangeResult> => {
    switch (change.kind) {
      case 'pause':
        return pause(tx, schedule, { ...change, by: ref.by });
      case 'resume':
        return resume(tx, schedule, { ...change, by: ref.by });
      case 'edit':
        return edit(tx, schedule, { ...change, by: ref.by });
    }
  }).catch(refusedByTables);
}

/** What the spec names was deleted since its name was looked up, or follows it. Throws what is none of that. */
function refusedByTables(error: unknown): InvalidSpec {
  const refused = refusedToFollow(error);
  if (refused !== null) return refused;
  if (!isMissing(error, 'schedule_calendar_is_there')) throw error;
  return {
    kind: 'invalid-spec',
    field: 'calendars',
    expected: 'calendars that are there',
    got: 'one that was deleted meanwhile',
  };
}

export async function deleteSchedule(
  db: Database,
  ref: ScheduleRef,
): Promise<{ kind: 'deleted' } | NotHeld | DefinedInCode | Followed> {
  return withSchedule(db, ref, async (tx, schedule) => {
    if (isCodes(schedule)) return { kind: 'defined-in-code', jobType: schedule.jobType } as const;
    const schedules = await countFollowers(tx, schedule);
    if (schedules > 0) return { kind: 'followed', schedules } as const;
    const now = await databaseTime(tx);
    await endPlan(tx, schedule, { now, reason: 'schedule deleted' });
    await rows.deleteSchedule(tx, { id: schedule.id, by: ref.by, now });
    return { kind: 'deleted' } as const;
  });
}

async function edit(
  tx: Tx,
  schedule: rows.Schedule,
  change: ScheduleChange & { kind: 'edit'; by: string },
): Promise<ChangeResult> {
  const { source = 'api' } = change;
  if (source === 'api' && isCodes(schedule)) return { kind: 'defined-in-code', jobType: schedule.jobType };
  if (change.isStillWanted !== undefined && !(await change.isStillWanted(tx))) return { kind: 'unwanted' };
  const now = await databaseTime(tx);
  const next = await goOnWith(tx, schedule, { ...change, now });
  if (next !== null && !(next instanceof Date)) return next;
  const isSame = source === 'same' || (source === schedule.source && schedule.removedFromCodeAt === null);
  if (!isSame) await setSource(tx, schedule, { source, removedFromCodeAt: null });
  const changed = await rows.updateSchedule(tx, {
    ...schedule,
    spec: change.spec ?? schedule.spec,
    specSince: change.spec === undefined ? schedule.specSince : now,
    catchUp: change.catchUp,
    runOptions: change.runOptions,
    jobType: change.jobType ?? schedule.jobType,
    payload: change.payload === undefined ? schedule.payload : change.payload,
    nextDueAt: next,
    by: change.by,
  });
  return { kind: 'changed', schedule: changed };
}

/** With the old spec the planner continues where it was; with a new one, at that one's first due time from now. */
async function goOnWith(
  tx: Tx,
  schedule: rows.Schedule,
  { spec, mayEnd = false, now }: { spec?: ScheduleSpec | undefined; mayEnd?: boolean; now: Date },
): Promise<Date | null | InvalidSpec> {
  if (spec === undefined) return goOnAt(tx, schedule);
  const first = mayEnd ? nextDueAt(spec, now) : firstDue(spec, now);
  if (first !== null && !(first instanceof Date)) return first;
  await endPlan(tx, schedule, { now, reason: 'schedule changed' });
  if (spec.kind !== 'delay') return first;
  // A chain goes on from its last run, under way or over.
  const goesOn = schedule.spec?.kind === 'delay' || (await hasUnfinishedRun(tx, schedule));
  return goesOn ? null : first;
}

/** Null where it follows from a run that is still to come. */
function firstDue(spec: ScheduleSpec, now: Date): Date | null | InvalidSpec {
  const valid = validateSpec(spec);
  if (!valid.ok)
    return { kind: 'invalid-spec', field: valid.field, expected: valid.expected, got: valid.got };
  const first = followsRuns(spec) ? firstOfChain(spec, now) : nextDueAt(spec, now);
  if (first !== null || (followsRuns(spec) && !isOver(spec, now))) return first;
  const { startAt, endAt, counted, calendars } = boundsOf(spec);
  if (calendars !== undefined && nextDueAt(onAnyDay(spec), now) !== null) {
    const expected = `calendars that leave it a due time after ${now.toISOString()}`;
    const got = 'some that leave out each day on which it is due';
    return { kind: 'invalid-spec', field: 'calendars', expected, got };
  }
  if (counted?.lastAt instanceof Date && counted.lastAt <= now) {
    const expected = `a number of due times that do not all lie before ${now.toISOString()}`;
    return { kind: 'invalid-spec', field: 'maxFires', expected, got: String(counted.maxFires) };
  }
  for (const [field, bound] of Object.entries({ endAt, startAt })) {
    if (bound === undefined) continue;
    const expected = `an instant that lets it be due after ${now.toISOString()}`;
    return { kind: 'invalid-spec', field, expected, got: bound.toISOString() };
  }
  return { kind: 'invalid-spec', ...lastOf(spec), expected: `a due time after ${now.toISOString()}` };
}

/** What a spec without a due time ahead gave instead. */
function lastOf(spec: ScheduleSpec): { field: string; got: string } {
  switch (spec.kind) {
    case 'at':
      return { field: 'at', got: spec.at.toISOString() };
    case 'instants':
      return { field: 'at', got: `${spec.instants.at(-1)?.toISOString()} as the last` };
    case 'anyOf':
      return { field: 'anyOf', got: 'specs that are due before it' };
    case 'cron':
    case 'every':
    case 'rrule':
      return { field: spec.kind, got: spec.kind };
    case 'delay':
    case 'follow':
      return { field: 'endAt', got: 'one before it' };
  }
}
