// A run that an owner has claimed, with all that it needs to know to execute it. Its place is the one
// among the runs that its owner holds.
import type { ClaimId, RunId, ScheduleId, Slot, TenantId } from '#kernel/ids.js';
import type { Placed } from './bag.js';
import type { LockWish } from '#locks/lock.js';

export interface ClaimedRun extends Placed {
  readonly id: RunId;
  readonly claimId: ClaimId;
  readonly tenantId: TenantId;
  readonly slot: Slot;
  /** Its queue, job type and concurrency key in one word, as the database generates it (migrations/0005). */
  readonly lane: string;
  readonly jobType: string;
  readonly queue: string;
  /** Runs of the tenant's job type with the same key are limited together. */
  readonly concurrencyKey: string | null;
  readonly scheduleId: ScheduleId | null;
  readonly dueAt: Date | null;
  readonly payload: unknown;
  /** Higher goes first among the runs of the tenant. */
  readonly priority: number;
  readonly runAt: Date;
  /** The number of the attempt to come, counted from 1. */
  readonly attempt: number;
  /** Attempts that failed; lost ones are not counted, since no handler failed. */
  readonly failures: number;
  /** Attempts lost with a dead replica. */
  readonly losses: number;
  /** When the run expires, even if it is running. */
  readonly deadline: Date | null;
  /** A request to cancel it came before it was claimed. */
  readonly isCancelRequested: boolean;
  /** The details that an earlier attempt reported. */
  readonly details: unknown;
  /** What its maker, a schedule, wants besides the locks of its job type; null for nearly all. */
  readonly ownLocks?: readonly LockWish[] | null;
  /** It holds a unique key, which may be free for others at its end. */
  readonly isUnique?: boolean;
  /** The tokens of the locks that its attempt holds; set once they are acquired. */
  locks?: Readonly<Record<string, number>>;
}
