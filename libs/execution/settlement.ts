// What is written when attempts have ended? One transaction for a whole batch: the ledger's decisions,
// then finished runs into the history, failed ones back with a later run_at, and the claims that held
// them closed or shrunk.
import type { Tx } from '#database/connection.js';
import type { ClaimId, ReplicaNumber, RunId } from '#kernel/ids.js';
import type { ClaimedRun } from './claimed-run.js';
import type { RunTransition } from './decisions/run-transition.js';
import * as rows from './settlement.repository.js';
import { forJsonb } from './stored-json.js';

export interface Ending {
  run: ClaimedRun;
  startedAt: Date;
  finishedAt: Date;
  transition: RunTransition;
  /** The output as JSON, when there is one. */
  outputJson: string | null;
}

export interface Start extends rows.StartedFire {
  claimId: ClaimId;
}

export interface SettlementBatch {
  replica: ReplicaNumber;
  starts: readonly Start[];
  endings: readonly Ending[];
  /** Claims of which nothing is held beyond this batch. */
  finishedClaims: readonly ClaimId[];
  lateAfterMs: number;
}

/** Resolves with the runs whose end was recorded; the others' claims are lost. */
export async function settle(tx: Tx, batch: SettlementBatch): Promise<Set<RunId>> {
  const { replica, lateAfterMs } = batch;
  const claimIds = [
    ...new Set([...batch.starts, ...batch.endings.map(({ run }) => run)].map((entry) => entry.claimId)),
  ];
  const ours = await rows.lockClaims(tx, { replica, claimIds });
  const fires = batch.starts.filter((start) => ours.has(start.claimId));
  if (fires.length > 0) await rows.decideFires(tx, { fires, lateAfterMs });
  const endings = batch.endings.filter(({ run }) => ours.has(run.claimId));
  const settled = new Set([
    ...(await finish(tx, replica, endings)),
    ...(await giveBack(tx, replica, endings)),
    ...(await lose(tx, replica, endings)),
  ]);
  const leaving = endings.filter(({ transition }) => transition.kind !== 'finish').map(({ run }) => run);
  await releaseClaims(tx, { leaving, finished: batch.finishedClaims.filter((id) => ours.has(id)) });
  return settled;
}

async function finish(tx: Tx, replica: ReplicaNumber, endings: readonly Ending[]): Promise<RunId[]> {
  const byAttempt = Map.groupBy(
    endings.filter(({ transition }) => transition.kind === 'finish'),
    ({ run }) => run.attempt,
  );
  const settled: RunId[] = [];
  // One statement an attempt number, which is one statement nearly always.
  for (const [attempt, group] of byAttempt) {
    settled.push(...(await rows.finishRuns(tx, { replica, attempt, runs: group.map(finishedRun) })));
  }
  return settled;
}

function finishedRun({ run, startedAt, finishedAt, transition, outputJson }: Ending): rows.FinishedRun {
  const failed = transition.kind === 'finish' && transition.outcome === 'failed';
  return {
    id: run.id,
    outcome: failed ? 'failed' : 'succeeded',
    startedAt,
    finishedAt,
    outputJson: failed ? null : outputJson,
    errorJson: failed ? forJsonb(JSON.stringify(transition.error)) : null,
  };
}

async function giveBack(tx: Tx, replica: ReplicaNumber, endings: readonly Ending[]): Promise<RunId[]> {
  const released = endings.filter(({ transition }) => transition.kind === 'release').map(({ run }) => run.id);
  const retried = endings.flatMap((ending) => retriedRun(ending, replica));
  if (retried.length === 0) return released;
  return [...released, ...(await rows.retryRuns(tx, retried))];
}

async function lose(tx: Tx, replica: ReplicaNumber, endings: readonly Ending[]): Promise<Iterable<RunId>> {
  const lost = endings.flatMap((ending) => lostRun(ending, replica));
  return lost.length === 0 ? [] : rows.loseRuns(tx, lost);
}

function lostRun({ run, startedAt, finishedAt, transition }: Ending, replica: ReplicaNumber): rows.LostRun[] {
  if (transition.kind !== 'lose') return [];
  const { error } = transition;
  const record = { attempt: run.attempt, outcome: 'lost', replica, startedAt, finishedAt, error };
  return [{ id: run.id, attempt: run.attempt, recordJson: forJsonb(JSON.stringify(record)) }];
}

function retriedRun(
  { run, startedAt, finishedAt, transition }: Ending,
  replica: ReplicaNumber,
): rows.RetriedRun[] {
  if (transition.kind !== 'retry') return [];
  const { error, delayMs } = transition;
  const record = { attempt: run.attempt, outcome: 'failed', replica, startedAt, finishedAt, error };
  return [{ id: run.id, attempt: run.attempt, delayMs, recordJson: forJsonb(JSON.stringify(record)) }];
}

async function releaseClaims(
  tx: Tx,
  { leaving, finished }: { leaving: readonly ClaimedRun[]; finished: readonly ClaimId[] },
): Promise<void> {
  const over = new Set(finished);
  const staying = leaving.filter((run) => !over.has(run.claimId));
  if (staying.length > 0) {
    await rows.shrinkClaims(tx, {
      claimIds: [...new Set(staying.map((run) => run.claimId))],
      runIds: staying.map((run) => run.id),
    });
  }
  if (finished.length > 0) await rows.closeClaims(tx, finished);
}
