// What a caller wants of a run, over REST or in a handler, and what it becomes: a new run of a tenant, with an id of
// its own.
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { asId, type ScheduleId, type Slot, type TenantId } from '#kernel/ids.js';
import { isStrictKey, storedKeyOf, type GivenOrder, type GivenOverlap } from '#kernel/keys/key-overlap.js';
import type { LockWish } from '#locks/lock.js';
import type { Enqueue, UniqueRequest } from './enqueue.js';

/** The options of the client (enqueue-options.ts), and those that only REST has. */
export interface WantedRun {
  jobType: string;
  payload: unknown;
  queue?: string | undefined;
  concurrencyKey?: string | undefined;
  /** What becomes of it while another run of the key is running. */
  overlap?: GivenOverlap | undefined;
  /** Whether the runs of the key start in their order. */
  order?: GivenOrder | undefined;
  tags?: readonly string[] | undefined;
  priority?: number | undefined;
  runAt?: Date | undefined;
  /** Instead of `runAt`. */
  delaySeconds?: number | undefined;
  deadline?: Date | undefined;
  /** Of a run that comes alone and is started for a schedule, beside its due times. */
  scheduleId?: ScheduleId | undefined;
  /** Which it needs besides those of its job type; only of a run that is started for a schedule. */
  locks?: readonly LockWish[] | undefined;
  unique?:
    | {
        key: string;
        windowSeconds?: number | undefined;
        onConflict?: UniqueRequest['onConflict'] | undefined;
      }
    | undefined;
  /** Instead of `runAt`, `delaySeconds` and `unique`. */
  debounce?: { key: string; delaySeconds: number; maxDelaySeconds: number } | undefined;
}

export function enqueueOf(tenant: { id: TenantId; slot: Slot }, wanted: WantedRun): Enqueue {
  const { unique, concurrencyKey, debounce } = wanted;
  return {
    run: {
      id: asId.run(randomUUIDv7()),
      tenantId: tenant.id,
      slot: tenant.slot,
      jobType: wanted.jobType,
      payload: wanted.payload,
      queue: wanted.queue ?? 'default',
      concurrencyKey:
        concurrencyKey === undefined ? null : storedKeyOf(concurrencyKey, wanted.overlap, wanted.order),
      tags: wanted.tags ?? [],
      priority: wanted.priority ?? 0,
      runAt: wanted.runAt ?? null,
      delayMs: (debounce?.delaySeconds ?? wanted.delaySeconds ?? 0) * 1_000,
      deadline: wanted.deadline ?? null,
      scheduleId: wanted.scheduleId ?? null,
      locks: wanted.locks ?? null,
    },
    unique: unique === undefined ? null : uniqueOf(unique),
    debounce:
      debounce === undefined ? null : { key: debounce.key, maxDelayMs: debounce.maxDelaySeconds * 1_000 },
  };
}

/**
 * Gives runs that came together ids in their order, if their keys start them in order: of two with one instant the one
 * with the lower id starts first, and ids that were made within a millisecond are in no order.
 */
export function inGivenOrder(entries: readonly Enqueue[]): readonly Enqueue[] {
  if (!entries.some(({ run }) => isStrictKey(run.concurrencyKey))) return entries;
  const ids = entries.map(({ run }) => run.id).toSorted();
  return entries.map((entry, index) => ({ ...entry, run: { ...entry.run, id: ids[index] ?? entry.run.id } }));
}

function uniqueOf({ key, windowSeconds, onConflict }: NonNullable<WantedRun['unique']>): UniqueRequest {
  const windowMs = windowSeconds === undefined ? null : windowSeconds * 1_000;
  return { key, windowMs, onConflict: onConflict ?? 'return' };
}
