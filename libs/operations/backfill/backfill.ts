// The backfill of a schedule: runs for due times that have passed without one. Its items are the due times, as the
// schedule's spec had them when the request came: another spec that the schedule gets meanwhile changes nothing. Each due
// time is decided by its row in the ledger (I1), so a second backfill of the same time makes nothing twice.
import { z } from 'zod';
import type { Database, Tx } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { asId, type ScheduleId, type TenantId } from '#kernel/ids.js';
import { readScheduleKey, scheduleKey } from '#kernel/schedule-key.js';
import type { HeldOperation, OperationKind, StepResult } from '#operations/operation.js';
import { insertOperation, type Operation } from '#operations/operation.repository.js';
import { unfinishedOf } from '#operations/unfinished.repository.js';
import { findOutcomes } from '#scheduling/schedules/skip.repository.js';
import { batchOf, isThere, placesLeft } from './decisions/batch.js';
import { holdSchedule, makeBackfillRuns } from './backfill.repository.js';

const NAME = 'backfill';
/** Its transaction takes some 30 ms. */
const ITEMS_PER_STEP = 500;
/** Due times whose rows are read at once. */
const ROWS_PER_LOOK = 1_000;
/** More than a backfill has unfinished runs: they wait for each other, and none is skipped. */
const WAITING_MAX = 9_999;

const storedInput = z.object({
  scheduleId: z.uuid(),
  maxUnfinished: z.int(),
  payload: z.unknown().optional(),
});

export interface WantedBackfill {
  tenantId: TenantId;
  schedule: { id: ScheduleId; name: string };
  dueTimes: readonly Date[];
  maxUnfinished: number;
  /** Undefined for the schedule's. */
  payload: unknown;
}

export async function startBackfill(
  db: Database,
  { tenantId, schedule, dueTimes, maxUnfinished, payload }: WantedBackfill,
): Promise<Operation> {
  return insertOperation(db, {
    id: asId.operation(randomUUIDv7()),
    tenantId,
    kind: NAME,
    target: schedule.name,
    input: { scheduleId: schedule.id, maxUnfinished, ...(payload === undefined ? {} : { payload }) },
    items: dueTimes.map((dueAt) => dueAt.toISOString()),
  });
}

/** How many of the due times are planned already, or have run. */
export async function countThere(
  db: Database,
  { scheduleId, dueTimes }: { scheduleId: ScheduleId; dueTimes: readonly Date[] },
): Promise<number> {
  let count = 0;
  for (let from = 0; from < dueTimes.length; from += ROWS_PER_LOOK) {
    const some = dueTimes.slice(from, from + ROWS_PER_LOOK);
    const outcomes = await findOutcomes(db, { scheduleId, dueTimes: some });
    count += some.filter((dueAt) => isThere(outcomes.get(dueAt.getTime()))).length;
  }
  return count;
}

export const BACKFILL_KIND: OperationKind = {
  name: NAME,
  itemsPerStep: ITEMS_PER_STEP,
  holdsOffClaims: false,
  worksWhileSuspended: false,
  step,
};

async function step(
  tx: Tx,
  { tenant, target, input, items, unfinishedRuns }: HeldOperation,
): Promise<StepResult> {
  const { payload, maxUnfinished, ...stored } = storedInput.parse(input);
  const [tenantId, scheduleId] = [tenant.id, asId.schedule(stored.scheduleId)];
  const { maxQueued } = tenant;
  const schedule = await holdSchedule(tx, { tenantId, scheduleId, maxQueued });
  if (schedule === undefined)
    return {
      kind: 'fails',
      error: `expected schedule ${target} to be there until the last of its due times, got it deleted`,
    };
  const unfinished = await unfinishedOf(tx, { tenantId, runs: unfinishedRuns });
  const places = placesLeft({
    maxUnfinished,
    unfinished: unfinished.length,
    maxQueued,
    queued: schedule.queued,
  });
  const dueTimes = items.map((item) => new Date(item));
  const outcomes = await findOutcomes(tx, { scheduleId, dueTimes });
  const { passed, toRun } = batchOf(dueTimes, { outcomes, places });
  if (passed === 0) return { kind: 'waits' };
  const concurrencyKey = keyOfRuns(schedule.concurrencyKey);
  const runs = toRun.map((dueAt) => ({ dueAt, runId: asId.run(randomUUIDv7()) }));
  const made =
    runs.length === 0
      ? []
      : await makeBackfillRuns(tx, { tenantId, scheduleId, concurrencyKey, payload, runs });
  return {
    kind: 'moved',
    done: passed,
    counts: { runsMade: made.length, alreadyThere: passed - made.length },
    unfinishedRuns: [...unfinished, ...made],
  };
}

/** Runs of a schedule that may not overlap wait for their turn: they are all due at once, which is no overlap. */
function keyOfRuns(stored: string | null): string | null {
  const own = readScheduleKey(stored);
  return own === null || own.overlap.mode === 'allow'
    ? stored
    : scheduleKey({ scheduleId: own.scheduleId, overlap: { mode: 'queue', max: WAITING_MAX } });
}
