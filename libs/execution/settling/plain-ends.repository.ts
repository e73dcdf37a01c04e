// Writes ends of which nothing has to be decided as one message (migrations/0043). It takes the replica's gate itself, and
// is a transaction by itself.
import { sql } from 'kysely';
import type { ReplicaHolder } from '#cluster/membership/replica-gate.js';
import { plainArray } from '#database/array-text.js';
import type { Database } from '#database/connection.js';
import type { ClaimId, RunId } from '#kernel/ids.js';
import { emptyIfAllNull, outcomesOf, type FinishedRun, type StartedFire } from './settlement.repository.js';

export interface PlainEnds {
  claimIds: readonly ClaimId[];
  /** Those of them that hold nothing beyond these ends. */
  finishedClaims: readonly ClaimId[];
  fires: readonly StartedFire[];
  lateAfterMs: number;
  /** Of all the runs. */
  attempt: number;
  /** Each of them began. */
  runs: readonly FinishedRun[];
}

export interface PlainAnswer {
  /** Only 'done' has written anything. */
  verdict: 'done' | 'fenced' | 'claim-lost';
  /** The runs that it did not find. */
  missing: RunId[] | null;
}

export async function settleEnds(
  db: Database,
  { replica, uuid }: ReplicaHolder,
  { claimIds, finishedClaims, fires, lateAfterMs, attempt, runs }: PlainEnds,
): Promise<PlainAnswer> {
  const { rows } = await sql<PlainAnswer>`
    select verdict, missing
      from carillon.settle_ends(
             ${replica}, ${uuid}, ${plainArray(claimIds)}::uuid[], ${plainArray(finishedClaims)}::uuid[],
             ${plainArray(fires.map((fire) => fire.scheduleId))}::uuid[],
             ${plainArray(fires.map((fire) => fire.dueAt.toISOString()))}::timestamptz[],
             ${plainArray(fires.map((fire) => fire.startedAt.toISOString()))}::timestamptz[],
             ${lateAfterMs},
             ${attempt},
             ${plainArray(runs.map((run) => run.id))}::uuid[],
             ${plainArray(outcomesOf(runs))}::text[],
             ${plainArray(runs.map((run) => run.startedAt?.getTime() ?? null))}::float8[],
             ${plainArray(runs.map((run) => run.finishedAt.getTime()))}::float8[],
             ${emptyIfAllNull(runs.map((run) => run.outputJson))}::text[],
             ${emptyIfAllNull(runs.map((run) => run.errorJson))}::text[])`.execute(db);
  const [answer] = rows;
  if (answer === undefined) throw new Error('expected carillon.settle_ends to answer with a row, got none');
  return answer;
}
