// Makes up for a suspension of a tenant, because the request that ends it asks for that. The items are the names of its
// schedules. Each catches up as its policy says, from the ledger's rows, so nothing runs twice (I1). So many schedules must
// not storm the tenant's workers, nor take all of its places: the operation has only so many unfinished runs at a time.
import { z } from 'zod';
import type { Tx } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { asId, type RunId, type TenantId } from '#kernel/ids.js';
import type { HeldOperation, OperationKind, StepResult } from '#operations/operation.js';
import { findOperation, insertOperation, type Operation } from '#operations/operation.repository.js';
import { unfinishedOf } from '#operations/unfinished.repository.js';
import { countPlaces, planCaughtUp } from '#scheduling/catching-up/caught-up-run.repository.js';
import { skippedToRun, type EndedSuspension } from '#scheduling/catching-up/suspension-catch-up.js';
import { lockSchedule } from '#scheduling/schedules/schedule.repository.js';
import { findOfSuspension, readSuspension } from './suspension.repository.js';

const NAME = 'catch-up-tenant';
/** Its transaction takes some 30 ms, with a hundred runs of each schedule. */
const ITEMS_PER_STEP = 10;
/** At least as many as one schedule catches up on, so that each has its turn. */
const UNFINISHED_MAX = 200;

const storedInput = z.object({
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  askedAt: z.iso.datetime(),
  by: z.string(),
});

export interface WantedCatchUp {
  tenantId: TenantId;
  /** Of its schedules. */
  names: readonly string[];
  by: string;
}

/**
 * The caller has made the tenant active, and holds its row: so a request that comes twice finds the operation of the
 * first. Null for a tenant that never was suspended.
 */
export async function startTenantCatchUp(
  tx: Tx,
  { tenantId, names, by }: WantedCatchUp,
  requireRoom: () => Promise<void>,
): Promise<Operation | null> {
  const { now, suspension } = await readSuspension(tx, tenantId);
  if (suspension === null) return null;
  const { from, to } = suspension;
  const known = await findOfSuspension(tx, { tenantId, kind: NAME, from });
  const found = known && (await findOperation(tx, { tenantId, id: known }));
  if (found !== undefined) return found;
  await requireRoom();
  const span = { from: from.toISOString(), to: (to ?? now).toISOString(), askedAt: now.toISOString() };
  return insertOperation(tx, {
    id: asId.operation(randomUUIDv7()),
    tenantId,
    kind: NAME,
    target: null,
    input: { ...span, by } satisfies z.input<typeof storedInput>,
    items: names,
  });
}

export const TENANT_CATCH_UP_KIND: OperationKind = {
  name: NAME,
  itemsPerStep: ITEMS_PER_STEP,
  holdsOffClaims: false,
  worksWhileSuspended: false,
  step,
};

type Counted = 'caughtUp' | 'unchanged' | 'refused' | 'notFound';

interface Room {
  /** Of the operation's own runs. */
  unfinished: number;
  maxQueued: number | null;
  queued: number;
}

async function step(tx: Tx, { tenant, input, items, unfinishedRuns }: HeldOperation): Promise<StepResult> {
  const tenantId = tenant.id;
  const stored = storedInput.parse(input);
  const suspension = {
    from: new Date(stored.from),
    to: new Date(stored.to),
    askedAt: new Date(stored.askedAt),
  };
  const unfinished = await unfinishedOf(tx, { tenantId, runs: unfinishedRuns });
  const places = await countPlaces(tx, tenantId);
  const counts = { caughtUp: 0, unchanged: 0, refused: 0, notFound: 0, runsMade: 0 };
  const made: RunId[] = [];
  let done = 0;
  // All transactions that lock many schedules lock them in this order: by id, which the names were sorted for.
  for (const name of items) {
    const room = {
      maxQueued: places.maxQueued,
      unfinished: unfinished.length + made.length,
      queued: places.queued + made.length,
    };
    const end = await catchUp(tx, { tenantId, name, suspension, room });
    if (end === 'waits') break;
    counts[end.counted] += 1;
    counts.runsMade += end.runs.length;
    made.push(...end.runs);
    done += 1;
  }
  if (done === 0) return { kind: 'waits' };
  return { kind: 'moved', done, counts, unfinishedRuns: [...unfinished, ...made] };
}

async function catchUp(
  tx: Tx,
  {
    tenantId,
    name,
    suspension,
    room: { unfinished, maxQueued, queued },
  }: { tenantId: TenantId; name: string; suspension: EndedSuspension; room: Room },
): Promise<{ counted: Counted; runs: RunId[] } | 'waits'> {
  const schedule = await lockSchedule(tx, { tenantId, name });
  if (schedule === undefined) return { counted: 'notFound', runs: [] };
  // Its pause lets nothing run; what it catches up on when that ends is the pause.
  if (schedule.isPaused) return { counted: 'unchanged', runs: [] };
  const dueTimes = skippedToRun(schedule, suspension);
  if (dueTimes === null || (maxQueued !== null && dueTimes.length > maxQueued))
    return { counted: 'refused', runs: [] };
  if (dueTimes.length === 0) return { counted: 'unchanged', runs: [] };
  const hasPlaces = maxQueued === null || queued + dueTimes.length <= maxQueued;
  if (unfinished + dueTimes.length > UNFINISHED_MAX || !hasPlaces) return 'waits';
  const wanted = dueTimes.map((dueAt) => ({ dueAt, runId: asId.run(randomUUIDv7()) }));
  const runs = await planCaughtUp(tx, {
    tenantId,
    scheduleId: schedule.id,
    skippedFor: 'suspended',
    runs: wanted,
  });
  return { counted: runs.length > 0 ? 'caughtUp' : 'unchanged', runs };
}
