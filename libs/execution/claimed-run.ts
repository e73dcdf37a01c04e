// What does an owner know about a run that it has claimed?
import type { ClaimId, RunId, ScheduleId, Slot, TenantId } from '#kernel/ids.js';

export interface ClaimedRun {
  readonly id: RunId;
  readonly claimId: ClaimId;
  readonly tenantId: TenantId;
  readonly slot: Slot;
  readonly jobType: string;
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
}
