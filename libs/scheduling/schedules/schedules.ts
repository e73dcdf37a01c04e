// Creates, changes, pauses, resumes and deletes schedules. Each change takes back, in the same transaction, the plans
// that no owner has claimed, and sets the schedule's next due time to where the planner must continue. Due times from
// before a deletion or a new spec that have not started are left behind as a gap, so that they get their rows in the
// ledger all the same. Claims of the tenant's slot are held off before the schedule's row is locked: with the row in
// hand, a change that waits for a hanging owner would hold up the planner and its other tenants.
import { withClaimsHeldOff } from '#cluster/slots/claims-hold.js';
import type { Database, Tx } from '#database/connection.js';
import { isUniqueViolation } from '#database/error-kind.js';
import { databaseTime } from '#database/time.repository.js';
import { randomUUID } from '#database/runtime/uuid.js';
import { asId, type Slot, type TenantId } from '#kernel/ids.js';
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import { boundsOf, nextDueAt, validateSpec, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { leaveGap } from '#scheduling/planning/gap.repository.js';
import * as rows from './schedule.repository.js';

export interface ScheduleInput {
  name: string;
  jobType: string;
  spec: ScheduleSpec;
  /** The default if there is none. */
  catchUp?: CatchUp | undefined;
  payload: unknown;
  runOptions?: Partial<rows.ScheduleRunOptions> | undefined;
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
  const firstDueAt = firstDue(input.spec, await databaseTime(db));
  if (!(firstDueAt instanceof Date)) return firstDueAt;
  const id = asId.schedule(randomUUID());
  try {
    const schedule = await rows.insertSchedule(db, {
      ...input,
      catchUp: input.catchUp ?? null,
      runOptions: input.runOptions ?? {},
      id,
      tenantId: tenant.id,
      slot: tenant.slot,
      nextDueAt: firstDueAt,
    });
    return { kind: 'created', schedule };
  } catch (error) {
    if (isUniqueViolation(error)) return { kind: 'name-taken' };
    throw error;
  }
}

export interface ScheduleRef {
  tenant: { id: TenantId; slot: Slot };
  name: string;
  /** The revision that the caller has seen; null when it does not matter. */
  revision: number | null;
}

export type ScheduleChange =
  | { kind: 'pause' }
  | { kind: 'resume' }
  | {
      kind: 'edit';
      jobType?: string | undefined;
      spec?: ScheduleSpec | undefined;
      /** Null for the default. */
      catchUp?: CatchUp | null | undefined;
      payload?: unknown;
      runOptions?: Partial<rows.ScheduleRunOptions> | undefined;
    };

export type ChangeResult =
  | { kind: 'changed'; schedule: rows.Schedule }
  | { kind: 'not-found' }
  | { kind: 'stale'; currentRevision: number }
  | OwnerHangs
  | { kind: 'invalid-state'; state: string }
  | InvalidSpec;

/** The plan can't be taken back while the owner does not answer; a hanging owner is replaced in a few seconds. */
export interface OwnerHangs {
  kind: 'owner-hangs';
}

const GATE_WAIT_MS = 2_000;

export async function changeSchedule(
  db: Database,
  ref: ScheduleRef,
  change: ScheduleChange,
): Promise<ChangeResult> {
  return withSchedule(db, ref, (tx, schedule): Promise<ChangeResult> => {
    switch (change.kind) {
      case 'pause':
      case 'resume':
        return setPaused(tx, schedule, change.kind === 'pause');
      case 'edit':
        return edit(tx, schedule, change);
    }
  });
}

export async function deleteSchedule(
  db: Database,
  ref: ScheduleRef,
): Promise<
  { kind: 'deleted' } | { kind: 'not-found' } | { kind: 'stale'; currentRevision: number } | OwnerHangs
> {
  return withSchedule(db, ref, async (tx, schedule) => {
    await endPlan(tx, schedule, { now: await databaseTime(tx), reason: 'schedule deleted' });
    await rows.deleteSchedule(tx, schedule.id);
    return { kind: 'deleted' } as const;
  });
}

/** A run of the schedule is either claimed by then, or ours to take back. */
async function withSchedule<Result>(
  db: Database,
  { tenant, name, revision }: ScheduleRef,
  write: (tx: Tx, schedule: rows.Schedule) => Promise<Result>,
): Promise<Result | { kind: 'not-found' } | { kind: 'stale'; currentRevision: number } | OwnerHangs> {
  const done = await withClaimsHeldOff(db, tenant.slot, { waitMs: GATE_WAIT_MS }, async (tx) => {
    const schedule = await rows.lockSchedule(tx, { tenantId: tenant.id, name });
    if (schedule === undefined) return { kind: 'not-found' } as const;
    if (revision !== null && revision !== schedule.revision)
      return { kind: 'stale', currentRevision: schedule.revision } as const;
    return write(tx, schedule);
  });
  return done ?? { kind: 'owner-hangs' };
}

async function setPaused(tx: Tx, schedule: rows.Schedule, pause: boolean): Promise<ChangeResult> {
  if (schedule.state !== (pause ? 'active' : 'paused'))
    return { kind: 'invalid-state', state: schedule.nextDueAt === null ? 'ended' : schedule.state };
  const nextAt = await goOnAt(tx, schedule);
  if (nextAt === null) return { kind: 'invalid-state', state: 'ended' };
  const changed = await rows.updateSchedule(tx, {
    ...schedule,
    catchUp: undefined,
    state: pause ? 'paused' : 'active',
    nextDueAt: nextAt,
  });
  return { kind: 'changed', schedule: changed };
}

async function edit(
  tx: Tx,
  schedule: rows.Schedule,
  change: ScheduleChange & { kind: 'edit' },
): Promise<ChangeResult> {
  const now = await databaseTime(tx);
  const next = await goOnWith(tx, schedule, { spec: change.spec, now });
  if (next !== null && !(next instanceof Date)) return next;
  const changed = await rows.updateSchedule(tx, {
    id: schedule.id,
    spec: change.spec ?? schedule.spec,
    specSince: change.spec === undefined ? schedule.specSince : now,
    catchUp: change.catchUp,
    runOptions: change.runOptions,
    jobType: change.jobType ?? schedule.jobType,
    payload: change.payload === undefined ? schedule.payload : change.payload,
    state: schedule.state,
    nextDueAt: next,
  });
  return { kind: 'changed', schedule: changed };
}

/** With the old spec the planner continues where it was; with a new one, at that one's first due time from now. */
async function goOnWith(
  tx: Tx,
  schedule: rows.Schedule,
  { spec, now }: { spec: ScheduleSpec | undefined; now: Date },
): Promise<Date | null | InvalidSpec> {
  if (spec === undefined) return goOnAt(tx, schedule);
  const first = firstDue(spec, now);
  if (first instanceof Date) await endPlan(tx, schedule, { now, reason: 'schedule changed' });
  return first;
}

/** Takes back the plan; the current spec and state decide its due times up to now (I1). */
async function endPlan(
  tx: Tx,
  schedule: rows.Schedule,
  { now, reason }: { now: Date; reason: string },
): Promise<void> {
  const from = await goOnAt(tx, schedule);
  if (from === null || from > now) return;
  const to = new Date(now.getTime() + 1);
  await leaveGap(tx, { scheduleId: schedule.id, from, to, outcome: 'missed', reason });
}

/** Takes back the plan, and returns where planning must begin again: null when nothing is due any more. */
async function goOnAt(tx: Tx, schedule: rows.Schedule): Promise<Date | null> {
  const reopened = await rows.revokePlanned(tx, schedule);
  return earliest([...reopened, ...(schedule.nextDueAt === null ? [] : [schedule.nextDueAt])]);
}

function firstDue(spec: ScheduleSpec, now: Date): Date | InvalidSpec {
  const valid = validateSpec(spec);
  if (!valid.ok)
    return { kind: 'invalid-spec', field: valid.field, expected: valid.expected, got: valid.got };
  const first = nextDueAt(spec, now);
  if (first !== null) return first;
  const { startAt, endAt, counted } = boundsOf(spec);
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
  }
}

function earliest(instants: readonly Date[]): Date | null {
  return instants.length === 0 ? null : new Date(Math.min(...instants.map((instant) => instant.getTime())));
}
