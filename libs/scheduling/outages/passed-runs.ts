// Which of the runs that an owner is about to take do not start, because they could have started only in an outage and their
// schedule would not catch up on them? The owner asks as it claims, in the transaction of the claim: so each due time is
// decided once, by the one replica that may start its run, with no look ahead at what was planned and no race with the
// leader. Nearly all claims have no run that is late enough, and ask nothing.
import type { Tx } from '#database/connection.js';
import type { ClaimId, RunId, ScheduleId } from '#kernel/ids.js';
import type { CaughtUp } from '#scheduling/decisions/catch-up.js';
import { plannedBy } from '#scheduling/decisions/kinds/following.js';
import { readCatchUp } from '#scheduling/stored-catch-up.js';
import { readSpec } from '#scheduling/stored-spec.js';
import { GRACE_MS, notCaughtUp } from './decisions/passed.js';
import {
  dropIfEmpty,
  findPassed,
  takeBackPassed,
  type LateRun,
  type PassedRun,
  type UnwantedRun,
} from './passed-run.repository.js';

export interface TakenRun {
  id: RunId;
  scheduleId: ScheduleId | null;
  dueAt: Date | null;
  runAt: Date;
  /** The number of the attempt to come, counted from 1. */
  attempt: number;
}

export interface NewClaim<Run extends TakenRun> {
  claimId: ClaimId;
  runs: readonly Run[];
  /** The database's. */
  databaseTimeMs: number;
}

/** The runs of the claim that stay in it; the others are taken back, each with the decision about its due time. */
export async function withoutPassed<Run extends TakenRun>(
  tx: Tx,
  { claimId, runs, databaseTimeMs }: NewClaim<Run>,
): Promise<readonly Run[]> {
  const late = runs.flatMap((run) => lateRun(run, databaseTimeMs) ?? []);
  if (late.length === 0) return runs;
  const passed = await findPassed(tx, late, { graceMs: GRACE_MS });
  const unwanted = passed.flatMap((run): UnwantedRun[] => {
    const decided = decide(run);
    return decided === null ? [] : [{ id: run.id, ...decided }];
  });
  if (unwanted.length === 0) return runs;
  await takeBackPassed(tx, { claimId, runs: unwanted });
  await dropIfEmpty(tx, claimId);
  const gone = new Set(unwanted.map(({ id }) => id));
  return runs.filter(({ id }) => !gone.has(id));
}

/** One that may have started before, in a replica that was lost, goes on. */
function lateRun({ id, scheduleId, dueAt, runAt, attempt }: TakenRun, nowMs: number): LateRun | null {
  const isLate = attempt === 1 && runAt.getTime() < nowMs - GRACE_MS;
  return isLate && scheduleId !== null && dueAt !== null ? { id, scheduleId, dueAt, runAt } : null;
}

/** A schedule that this version can't read keeps what an earlier one has planned. */
function decide({ dueAt, outageEndedAt, known, ...stored }: PassedRun): CaughtUp['rest'] | null {
  const [spec, catchUp] = [readSpec(stored.spec), readCatchUp(stored.catchUp)];
  if (spec === null || catchUp === null) return null;
  const by = plannedBy(spec, { nextDueAt: dueAt, later: known });
  return notCaughtUp({ spec: by, catchUp, dueAt, outageEndedAt });
}
