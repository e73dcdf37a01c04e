// The statement that inserts runs and claims them, in one message (migrations/0044).
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import { plainArray } from '#database/array-text.js';
import type { ReplicaHolder } from '#cluster/membership/replica-gate.js';
import type { ClaimId, RunId } from '#kernel/ids.js';
import { markText } from '#execution/claiming/claims/lane.repository.js';
import type { LaneEntry } from '#execution/claiming/lane-door.js';
import type { AssumedJob } from '#execution/intake/job-proof.js';
import type { NewRun } from '#execution/intake/new-run.repository.js';
import { INSERTED, type RunRow } from '#execution/runs/run-row.js';

export interface RunToTakeIn {
  run: NewRun;
  payloadText: string;
  assumed: AssumedJob;
  entry: LaneEntry;
}

export interface TakeInRequest {
  claimId: ClaimId;
  runs: readonly RunToTakeIn[];
  /** Runs that may be in the lanes of these and wait for no claim. */
  inHand: readonly RunId[];
}

export interface TakenIn {
  isClaimed: boolean;
  row: RunRow;
}

/**
 * Without those whose assumed tenant or job type no longer holds. One that is not claimed waits in the table: the
 * replica's gate, its slot, its queue or a run that waits before it was in the way.
 */
export async function takeIn(
  db: Database,
  { replica, uuid }: ReplicaHolder,
  { claimId, runs, inHand }: TakeInRequest,
): Promise<Map<RunId, TakenIn>> {
  const { rows } = await sql<RunRow & { isClaimed: boolean }>`
    select is_claimed as "isClaimed", ${INSERTED}
      from (select taken.is_claimed, (taken.entry).*
              from carillon.take_in(${replica}, ${uuid}, ${claimId},
                     ${plainArray(runs.map(({ run }) => run.id))}::uuid[],
                     ${plainArray(runs.map(({ run }) => run.tenantId))}::uuid[],
                     ${plainArray(runs.map(({ run }) => run.slot))}::smallint[],
                     ${plainArray(runs.map(({ entry }) => entry.epoch))}::bigint[],
                     ${runs.map(({ run }) => run.jobType)}::text[],
                     ${runs.map(({ assumed }) => assumed.proof)}::text[],
                     ${runs.map(({ run }) => run.queue)}::text[],
                     ${runs.map(({ run }) => run.concurrencyKey)}::text[],
                     ${runs.map(({ run }) => (run.tags.length > 0 ? JSON.stringify(run.tags) : null))}::text[],
                     ${runs.map(({ payloadText }) => payloadText)}::text[],
                     ${runs.map(({ run }) => run.deadline)}::timestamptz[],
                     ${plainArray(runs.map(({ entry }) => markText(entry.mark)))}::timestamp[],
                     ${plainArray(inHand)}::uuid[]) as taken) as run`.execute(db);
  return new Map(rows.map(({ isClaimed, ...row }) => [row.id, { isClaimed, row }]));
}
