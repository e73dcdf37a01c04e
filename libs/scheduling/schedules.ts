// What can be done with a schedule? Create, change, pause, resume and delete it. Each change takes back,
// in the same transaction, what the planner had planned ahead and nobody has claimed, and leaves the
// schedule's next due time where the planner must go on.
import { closeGate } from '#cluster/fences.js';
import { lockSlotOwner, ownerOfSlot } from '#cluster/slot-owner.repository.js';
import type { Database, Tx } from '#database/connection.js';
import { isUniqueViolation } from '#database/error-kind.js';
import { databaseTime } from '#database/time.repository.js';
import { randomUUID } from '#database/runtime/uuid.js';
import { asId, type Slot, type TenantId } from '#kernel/ids.js';
import { nextDueAt, validateSpec, type ScheduleSpec } from './decisions/due-times.js';
import * as rows from './schedule.repository.js';

export interface ScheduleInput {
  name: string;
  jobType: string;
  spec: ScheduleSpec;
  payload: unknown;
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
  tenantId: TenantId;
  name: string;
  /** The revision the caller has seen; null when it does not matter. */
  revision: number | null;
}

export type ScheduleChange =
  | { kind: 'pause' }
  | { kind: 'resume' }
  | { kind: 'edit'; jobType?: string | undefined; spec?: ScheduleSpec | undefined; payload?: unknown };

export type ChangeResult =
  | { kind: 'changed'; schedule: rows.Schedule }
  | { kind: 'not-found' }
  | { kind: 'stale'; currentRevision: number }
  | { kind: 'invalid-state'; state: string }
  | InvalidSpec;

export async function changeSchedule(
  db: Database,
  ref: ScheduleRef,
  change: ScheduleChange,
): Promise<ChangeResult> {
  return db.transaction().execute(async (tx) => {
    const schedule = await rows.lockSchedule(tx, ref);
    if (schedule === undefined) return { kind: 'not-found' };
    if (ref.revision !== null && ref.revision !== schedule.revision)
      return { kind: 'stale', currentRevision: schedule.revision };
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
): Promise<'deleted' | 'not-found' | { currentRevision: number }> {
  return db.transaction().execute(async (tx) => {
    const schedule = await rows.lockSchedule(tx, ref);
    if (schedule === undefined) return 'not-found';
    if (ref.revision !== null && ref.revision !== schedule.revision)
      return { currentRevision: schedule.revision };
    await takeBackPlanned(tx, schedule);
    await rows.deleteSchedule(tx, schedule.id);
    return 'deleted';
  });
}

async function setPaused(tx: Tx, schedule: rows.Schedule, pause: boolean): Promise<ChangeResult> {
  if (schedule.state !== (pause ? 'active' : 'paused'))
    return { kind: 'invalid-state', state: schedule.state };
  const nextAt = await goOnAt(tx, schedule);
  if (nextAt === null) return { kind: 'invalid-state', state: 'ended' };
  const changed = await rows.updateSchedule(tx, {
    ...schedule,
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
  const spec = change.spec ?? schedule.spec;
  const firstAt = change.spec === undefined ? null : firstDue(spec, await databaseTime(tx));
  if (firstAt !== null && !(firstAt instanceof Date)) return firstAt;
  const oldAt = await goOnAt(tx, schedule);
  const changed = await rows.updateSchedule(tx, {
    id: schedule.id,
    spec,
    jobType: change.jobType ?? schedule.jobType,
    payload: change.payload === undefined ? schedule.payload : change.payload,
    state: schedule.state,
    // With the old spec the planner goes on where it was; with a new one, at that one's first due time from now.
    nextDueAt: firstAt ?? oldAt,
  });
  return { kind: 'changed', schedule: changed };
}

/** Takes back what was planned, and says where planning must begin again: null when nothing is due any more. */
async function goOnAt(tx: Tx, schedule: rows.Schedule): Promise<Date | null> {
  const reopened = await takeBackPlanned(tx, schedule);
  return earliest([...reopened, ...(schedule.nextDueAt === null ? [] : [schedule.nextDueAt])]);
}

/** The claims of the slot's owner are held off until commit, so a run is either claimed or ours to take back. */
async function takeBackPlanned(tx: Tx, schedule: rows.Schedule): Promise<Date[]> {
  const seen = await ownerOfSlot(tx, schedule.slot);
  if (seen !== null) await closeGate(tx, seen);
  // The slot may have changed hands while the gate was waited for; from here on it can't. The gate comes first,
  // as in a hand-over: who waited for it with the row in hand would be waited for by the owner.
  const owner = await lockSlotOwner(tx, schedule.slot);
  if (owner !== null && owner !== seen) await closeGate(tx, owner);
  return rows.revokePlanned(tx, schedule.id);
}

function firstDue(spec: ScheduleSpec, now: Date): Date | InvalidSpec {
  const valid = validateSpec(spec);
  if (!valid.ok)
    return { kind: 'invalid-spec', field: valid.field, expected: valid.expected, got: valid.got };
  const first = nextDueAt(spec, now);
  if (first !== null) return first;
  const got = spec.kind === 'at' ? spec.at.toISOString() : spec.kind;
  return { kind: 'invalid-spec', field: spec.kind, expected: `a due time after ${now.toISOString()}`, got };
}

function earliest(instants: readonly Date[]): Date | null {
  return instants.length === 0 ? null : new Date(Math.min(...instants.map((instant) => instant.getTime())));
}
