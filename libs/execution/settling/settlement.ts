// What is written when attempts have ended? One transaction for a whole batch. It decides fires, moves
// finished runs into the history, puts retried runs back with a later run_at, parks others under leases, and
// closes or shrinks the claims that held them.
import type { Tx } from '#database/connection.js';
import type { ClaimId, ReplicaNumber, RunId } from '#kernel/ids.js';
import { isStrictKey } from '#kernel/keys/key-overlap.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { RunTransition } from '#execution/runs/decisions/run-transition.js';
import { blockForPutOff } from './key-block.repository.js';
import { parkRuns } from './park.repository.js';
import { writeProgress, type ProgressNote } from '#execution/reports/progress.repository.js';
import * as rows from './settlement.repository.js';
import { forJsonb } from '#execution/runs/stored-json.js';

/** A fire that starts later than this after its due time is recorded as late. */
export const LATE_AFTER_MS = 1_000;

export interface Ending {
  run: ClaimedRun;
  /** Null for a run that never began: one that ended while it waited, or was given back. */
  startedAt: Date | null;
  finishedAt: Date;
  transition: RunTransition;
  /** The output as JSON, when there is one. */
  outputJson: string | null;
  /** The attempt's last progress or details, if they may not have been written yet. */
  lastNote: ProgressNote | null;
}

export interface Start extends rows.StartedFire {
  claimId: ClaimId;
}

export interface SettlementBatch {
  replica: ReplicaNumber;
  starts: readonly Start[];
  endings: readonly Ending[];
  /** Claims that hold nothing beyond this batch. */
  finishedClaims: readonly ClaimId[];
  /** Endings that an earlier try may have written already. */
  uncertain: ReadonlySet<Ending>;
}

/** The claims by which a batch was started and ended. */
export function claimsOf({ starts, endings }: Pick<SettlementBatch, 'starts' | 'endings'>): ClaimId[] {
  return [...new Set([...starts, ...endings.map(({ run }) => run)].map((entry) => entry.claimId))];
}

/** Resolves with the runs whose end was not recorded, because their claims were revoked. */
export async function settle(tx: Tx, batch: SettlementBatch): Promise<Set<RunId>> {
  const { replica } = batch;
  const claimIds = claimsOf(batch);
  const ours = await rows.lockClaims(tx, { replica, claimIds });
  const fires = batch.starts.filter((start) => ours.has(start.claimId));
  if (fires.length > 0) await rows.decideFires(tx, { fires, lateAfterMs: LATE_AFTER_MS });
  const isOurs = ({ run }: Ending): boolean => ours.has(run.claimId);
  const open = await readBack(tx, batch);
  const endings = ours.size === claimIds.length ? open : open.filter(isOurs);
  const lastNotes = endings.flatMap(({ lastNote }) => lastNote ?? []);
  // Before the rows move: the history and the next attempt must have the last notes.
  if (lastNotes.length > 0) await writeProgress(tx, lastNotes, 'ending');
  const unstarted = endings.flatMap(unstartedFire);
  if (unstarted.length > 0) await rows.closeFires(tx, unstarted);
  const lost = [
    ...(await finish(tx, replica, endings)),
    ...(await putOffOrRetry(tx, replica, endings)),
    ...(await park(tx, replica, endings)),
  ];
  // Only where one holds any, which is seldom.
  const unbegun = endings.filter(
    ({ transition, run }) => transition.kind === 'give-back' && run.locks !== undefined,
  );
  if (unbegun.length > 0) await rows.dropHolds(tx, { replica, runIds: unbegun.map(({ run }) => run.id) });
  if (endings !== open) {
    // A run that its handler recorded itself was recorded under its claim.
    const others = open.filter((ending) => !isOurs(ending) && ending.transition.kind !== 'recorded');
    lost.push(...others.map(({ run }) => run.id));
  }
  const leaving = endings
    .filter(({ transition: { kind } }) => kind !== 'finish' && kind !== 'recorded')
    .map(({ run }) => run);
  await shrinkOrCloseClaims(tx, { leaving, finished: batch.finishedClaims.filter((id) => ours.has(id)) });
  return new Set(lost);
}

/** The endings that are still to be written: all but the uncertain ones that turn out to be written. */
async function readBack(
  tx: Tx,
  { replica, endings, uncertain }: SettlementBatch,
): Promise<readonly Ending[]> {
  const asked = endings.filter((ending) => uncertain.has(ending));
  if (asked.length === 0) return endings;
  const open = await rows.stillClaimed(tx, { replica, runs: asked.map(({ run }) => run) });
  const written = new Set(asked.filter((_, index) => !open.has(index)));
  return endings.filter((ending) => !written.has(ending));
}

/** Resolves with the runs that it did not find, as do the next two. */
async function finish(tx: Tx, replica: ReplicaNumber, endings: readonly Ending[]): Promise<RunId[]> {
  const byAttempt = Map.groupBy(
    endings.filter(({ transition }) => transition.kind === 'finish'),
    ({ run }) => run.attempt,
  );
  const missing: RunId[] = [];
  // One statement for each attempt number, which is nearly always a single one.
  for (const [attempt, group] of byAttempt) {
    missing.push(...(await rows.finishRuns(tx, { replica, attempt, runs: group.map(finishedRun) })));
  }
  return missing;
}

export function finishedRun({
  run,
  startedAt,
  finishedAt,
  transition,
  outputJson,
}: Ending): rows.FinishedRun {
  if (transition.kind !== 'finish')
    throw new Error(`expected run ${run.id} to finish, got ${transition.kind}`);
  const { outcome } = transition;
  const error = outcome === 'succeeded' ? null : transition.error;
  return {
    id: run.id,
    outcome,
    startedAt,
    finishedAt,
    // JSON's null and no output are stored alike.
    outputJson: outcome === 'succeeded' && outputJson !== 'null' ? outputJson : null,
    errorJson: error === null ? null : forJsonb(JSON.stringify(error)),
  };
}

/** A fire whose run was over before it began still gets its one decision. */
function unstartedFire({ run, startedAt, transition }: Ending): rows.UnstartedFire[] {
  if (transition.kind !== 'finish' || startedAt !== null) return [];
  if (run.scheduleId === null || run.dueAt === null) return [];
  const fire = { scheduleId: run.scheduleId, dueAt: run.dueAt };
  if (transition.outcome !== 'cancelled') return [{ ...fire, outcome: 'missed', reason: transition.outcome }];
  return [{ ...fire, outcome: 'skipped', reason: transition.reason ?? 'cancelled' }];
}

async function putOffOrRetry(tx: Tx, replica: ReplicaNumber, endings: readonly Ending[]): Promise<RunId[]> {
  const putOff = endings.flatMap(({ run: { id, attempt }, transition }) =>
    transition.kind === 'put-off' ? [{ id, attempt, delayMs: transition.delayMs }] : [],
  );
  const retried = endings.flatMap((ending) => retriedRun(ending, replica));
  const missing = putOff.length > 0 ? notIn(await rows.putOffRuns(tx, putOff), putOff) : [];
  const inOrder = endings.filter(
    ({ run, transition }) => transition.kind === 'put-off' && isStrictKey(run.concurrencyKey),
  );
  if (inOrder.length > 0)
    await blockForPutOff(
      tx,
      inOrder.map(({ run }) => run.id),
    );
  return [...missing, ...(retried.length > 0 ? notIn(await rows.retryRuns(tx, retried), retried) : [])];
}

async function park(tx: Tx, replica: ReplicaNumber, endings: readonly Ending[]): Promise<RunId[]> {
  const leases = endings.flatMap(({ run, startedAt, finishedAt, transition }) =>
    transition.kind === 'park'
      ? [{ runId: run.id, attempt: run.attempt, startedAt: startedAt ?? finishedAt, ...transition.lease }]
      : [],
  );
  if (leases.length === 0) return [];
  const parked = new Set(await parkRuns(tx, { replica, leases }));
  return leases.flatMap(({ runId }) => (parked.has(runId) ? [] : [runId]));
}

function notIn(found: ReadonlySet<RunId>, asked: readonly { id: RunId }[]): RunId[] {
  return asked.flatMap(({ id }) => (found.has(id) ? [] : [id]));
}

function retriedRun(
  { run, startedAt, finishedAt, transition }: Ending,
  replica: ReplicaNumber,
): rows.RetriedRun[] {
  if (transition.kind !== 'retry') return [];
  const { outcome, error, delayMs } = transition;
  const record = {
    attempt: run.attempt,
    outcome,
    replica,
    startedAt,
    finishedAt,
    ...(error === null ? {} : { error }),
  };
  return [
    {
      id: run.id,
      attempt: run.attempt,
      delayMs,
      isFailure: outcome === 'failed' || outcome === 'timed-out',
      recordJson: forJsonb(JSON.stringify(record)),
    },
  ];
}

async function shrinkOrCloseClaims(
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
