// Pauses or resumes many schedules. The items are their names: those that matched when the request came. Each is paused or
// resumed as by a request of its own, a few of them in one turn at the gate of their owner.
import { z } from 'zod';
import type { Database, Tx } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { asId, type TenantId } from '#kernel/ids.js';
import type { HeldOperation, OperationKind, StepResult } from '#operations/operation.js';
import { insertOperation, type Operation } from '#operations/operation.repository.js';
import { pause, resume, type Pause, type Resume } from '#scheduling/schedules/pauses.js';
import { lockSchedule } from '#scheduling/schedules/schedule.repository.js';

/** Their owner claims nothing meanwhile: some 30 ms. */
const ITEMS_PER_STEP = 10;
/** Catching up has a kind of its own, which a replica of a version without it leaves to others. */
const NAMES = {
  pause: 'pause-schedules',
  resume: 'resume-schedules',
  catchUp: 'catch-up-schedules',
} as const;

export type Steering = (({ verb: 'pause' } & Pause) | ({ verb: 'resume' } & Resume)) & {
  /** Who asked for it. */
  by: string;
};

const storedInput = z.discriminatedUnion('verb', [
  z.object({
    verb: z.literal('pause'),
    reason: z.string().nullable(),
    until: z.iso.datetime().nullable(),
    by: z.string(),
  }),
  z.object({ verb: z.literal('resume'), by: z.string(), catchUp: z.boolean().default(false) }),
]);

export async function startSteering(
  db: Database,
  { tenantId, names, steering }: { tenantId: TenantId; names: readonly string[]; steering: Steering },
): Promise<Operation> {
  const id = asId.operation(randomUUIDv7());
  const operation = { id, tenantId, target: null, input: inputOf(steering), items: names };
  return insertOperation(db, { ...operation, kind: NAMES[kindOf(steering)] });
}

function kindOf(steering: Steering): keyof typeof NAMES {
  return steering.verb === 'resume' && steering.catchUp === true ? 'catchUp' : steering.verb;
}

function inputOf(steering: Steering): z.input<typeof storedInput> {
  const { by } = steering;
  if (steering.verb === 'resume') return { verb: 'resume', by, catchUp: steering.catchUp ?? false };
  const { reason = null, until } = steering;
  return { verb: 'pause', by, reason, until: until?.toISOString() ?? null };
}

/** What a suspended tenant may not begin waits until it is resumed. */
export const STEERING_KINDS: readonly OperationKind[] = [
  {
    name: NAMES.pause,
    itemsPerStep: ITEMS_PER_STEP,
    holdsOffClaims: true,
    worksWhileSuspended: true,
    step,
  },
  ...[NAMES.resume, NAMES.catchUp].map((name) => ({
    name,
    itemsPerStep: ITEMS_PER_STEP,
    holdsOffClaims: true,
    worksWhileSuspended: false,
    step,
  })),
];

async function step(tx: Tx, { tenant, input, items }: HeldOperation): Promise<StepResult> {
  const stored = storedInput.parse(input);
  const catchesUp = stored.verb === 'resume' && stored.catchUp;
  const counts = { changed: 0, unchanged: 0, notFound: 0, ...(catchesUp ? { refused: 0 } : {}) };
  // All transactions that lock many schedules lock them in this order: by id, which the names were sorted for.
  for (const name of items) {
    const schedule = await lockSchedule(tx, { tenantId: tenant.id, name });
    if (schedule === undefined) {
      counts.notFound += 1;
      continue;
    }
    const result =
      stored.verb === 'resume'
        ? await resume(tx, schedule, stored)
        : await pause(tx, schedule, {
            reason: stored.reason,
            by: stored.by,
            until: stored.until === null ? null : new Date(stored.until),
          });
    if (result.kind === 'until-has-passed')
      return {
        kind: 'fails',
        error: `expected the end of the pause to lie ahead, got ${result.until.toISOString()}, which has passed`,
      };
    countOne(counts, result.kind);
  }
  return { kind: 'moved', done: items.length, counts };
}

/** What can't be caught up on stays paused. */
function countOne(
  counts: { changed: number; unchanged: number; refused?: number },
  kind: 'changed' | 'invalid-state' | 'no-catch-up' | 'no-place',
): void {
  if (kind === 'changed') counts.changed += 1;
  else if (kind === 'invalid-state') counts.unchanged += 1;
  else counts.refused = (counts.refused ?? 0) + 1;
}
