// What does an owner know about a run that it has claimed?
import type { ClaimId, RunId, ScheduleId, Slot, TenantId } from '#kernel/ids.js';

export interface ClaimedRun {
  readonly id: RunId;
  readonly claimId: ClaimId;
  readonly tenantId: TenantId;
  readonly slot: Slot;
  /** Its queue, job type and concurrency key in one word, as the database generates it (migrations/0005). */
  readonly lane: string;
  readonly jobType: string;
  readonly queue: string;
  /** Runs of the tenant's job type with the same one are limited together. */
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
  /** Attempts that a dead replica took with it. */
  readonly losses: number;
  /** When it is over, whatever has become of it. */
  readonly deadline: Date | null;
  /** Somebody asked to cancel it before it was claimed. */
  readonly isCancelRequested: boolean;
  /** What an earlier attempt said of where it was. */
  readonly details: unknown;
}
