// What does a replica hold of a run that its insert has claimed?
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { Lane } from '#execution/runs/decisions/lane.js';
import type { RunRow } from '#execution/runs/run-row.js';
import type { ClaimId } from '#kernel/ids.js';

/** A handler may change its payload while the row is shown to the caller. */
export function enteredRun(row: RunRow, { claimId, ...lane }: Lane & { claimId: ClaimId }): ClaimedRun {
  const { id, jobType, queue, concurrencyKey, priority, runAt, attempt, deadline } = row;
  return {
    ...FRESH,
    id,
    claimId,
    ...lane,
    jobType,
    queue,
    concurrencyKey,
    payload: structuredClone(row.payload),
    priority,
    runAt,
    attempt,
    deadline,
  };
}

/** Of a plain run that was never tried. */
const FRESH = {
  scheduleId: null,
  dueAt: null,
  ownLocks: null,
  details: null,
  failures: 0,
  losses: 0,
  isCancelRequested: false,
  isUnique: false,
  place: -1,
};
