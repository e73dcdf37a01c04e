// How does a lease end? By one request of its holder, or because its time is up. One transaction deletes the lease's
// row, which decides the run, and gives the run its own run_at back. Then the statements that end a claimed run finish
// it, put it back for another attempt, or put it back untouched if no worker had taken it. The answer is remembered for
// a day, so that a holder that missed it may ask again (I2).
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import type { Random } from '#kernel/clock.js';
import type { LeaseId, RunId, Slot, TenantId } from '#kernel/ids.js';
import { isPoison } from '#execution/takeover/decisions/poison.js';
import {
  transition,
  type AttemptError,
  type AttemptResult,
  type RunTransition,
} from '#execution/runs/decisions/run-transition.js';
import { verdictOf } from './decisions/lease-verdict.js';
import { DEFAULT_RETRY } from '#kernel/backoff.js';
import { findJobType } from '#execution/job-types/job-type.repository.js';
import * as ends from './lease-end.repository.js';
import * as leases from './lease.repository.js';
import { checkOutput } from '#execution/schemas/schema-check.js';
import type { SchemaChecks } from '#execution/schemas/schema-checks.js';
import { deadLetter } from '#execution/takeover/revocation.repository.js';
import { retryRuns } from '#execution/settling/settlement.repository.js';
import { STOPPED_BECAUSE } from '#execution/runs/attempt-stopped.js';
import { forJsonb } from '#execution/runs/stored-json.js';

export type LeaseEndRequest =
  | { verb: 'complete'; outputJson: string }
  | { verb: 'fail'; error: AttemptError; fatal: boolean; retryAfterMs: number | null }
  | { verb: 'snooze'; delayMs: number }
  | { verb: 'release' }
  | { verb: 'cancel'; error: AttemptError | null };

export type LeaseEnding =
  | { kind: 'ended'; answer: ends.LeaseAnswer; hasReleased: boolean }
  /** It has ended before, with this verb; `late` is the attempt that was worked on for nothing, if known. */
  | { kind: 'lost'; verb: string; late: { runId: RunId; attempt: number } | null }
  /** There is no record of it: it ended long ago, or it is not parked yet. */
  | { kind: 'unknown' };

type Outcome =
  RunTransition | { kind: 'retry'; outcome: 'released'; delayMs: 0; error: null } | { kind: 'lose' };

export interface LeaseEnd {
  tenantId: TenantId;
  id: LeaseId;
  request: LeaseEndRequest;
  random: Random;
  checks: SchemaChecks;
}

/** Ends a lease by its holder's request. */
export async function endLease(
  db: Database,
  { tenantId, id, request, random, checks }: LeaseEnd,
): Promise<LeaseEnding> {
  // Before any row is locked: a check may take a second.
  const misfit = request.verb === 'complete' ? await misfitOf(db, checks, { tenantId, id, request }) : null;
  if (misfit === 'no-lease') return repeated(await ends.findEnd(db, { tenantId, id }), request.verb);
  return inTransaction(db, async (tx) => {
    const lease = await leases.deleteLease(tx, { tenantId, id });
    if (lease === undefined) return repeated(await ends.findEnd(tx, { tenantId, id }), request.verb);
    const run = await ends.returnRun(tx, lease);
    if (run === undefined) return { kind: 'lost', verb: 'revoke', late: lease };
    const outcome = await outcomeOf({ tx, lease, run, request, misfit, random });
    const state = await applyOutcome(
      tx,
      lease,
      outcome,
      request.verb === 'complete' ? request.outputJson : null,
    );
    const answer = { runId: lease.runId, state };
    await ends.rememberEnd(tx, id, { verb: request.verb, answer, attempt: lease.attempt });
    return { kind: 'ended', answer, hasReleased: run.hadLocks };
  });
}

/** Ends expired leases, a bounded number; resolves with the slots of the runs that they held. */
export async function endExpired(
  db: Database,
  { limit, random }: { limit: number; random: Random },
): Promise<Slot[]> {
  return inTransaction(db, async (tx) => {
    const slots: Slot[] = [];
    for (const lease of await leases.deleteExpired(tx, { limit })) {
      const run = await ends.returnRun(tx, lease);
      if (run === undefined) continue;
      const verdict = verdictOf({ ...lease, ...run });
      const state = await applyOutcome(
        tx,
        lease,
        await outcomeOfVerdict({ tx, lease, run, random, verdict }),
        null,
      );
      await ends.rememberEnd(tx, lease.id, {
        verb: verdict,
        answer: { runId: lease.runId, state },
        attempt: lease.attempt,
      });
      slots.push(lease.slot);
    }
    return slots;
  });
}

function repeated(end: ends.EndedLease | undefined, verb: string): LeaseEnding {
  if (end === undefined) return { kind: 'unknown' };
  const { answer, attempt } = end;
  if (end.verb === verb) return { kind: 'ended', answer, hasReleased: false };
  return { kind: 'lost', verb: end.verb, late: attempt === null ? null : { runId: answer.runId, attempt } };
}

interface Decision {
  tx: Tx;
  lease: leases.Lease;
  run: ends.ReturnedRun;
  random: Random;
}

const SUCCEEDED: AttemptResult = { kind: 'succeeded', output: null };
const CANCELLED: Outcome = { kind: 'finish', outcome: 'cancelled', error: null };

async function outcomeOf({
  request,
  misfit,
  ...decision
}: Decision & { request: LeaseEndRequest; misfit: AttemptResult | null }): Promise<Outcome> {
  // The work is done, even if its cancellation was requested meanwhile.
  if (request.verb === 'complete') return byPolicy(decision, misfit ?? SUCCEEDED);
  if (decision.run.cancelRequested) return CANCELLED;
  switch (request.verb) {
    case 'fail':
      return byPolicy(decision, failed(request));
    case 'snooze':
      return byPolicy(decision, { kind: 'snoozed', delayMs: request.delayMs });
    case 'release':
      // The lease was taken, so the attempt may have begun.
      return { kind: 'retry', outcome: 'released', delayMs: 0, error: null };
    case 'cancel':
      return byPolicy(decision, { kind: 'cancelled', error: request.error });
  }
}

async function outcomeOfVerdict({
  verdict,
  ...decision
}: Decision & { verdict: ReturnType<typeof verdictOf> }): Promise<Outcome> {
  switch (verdict) {
    case 'cancel':
      return CANCELLED;
    case 'expire': {
      const error = { name: 'AttemptStopped', message: STOPPED_BECAUSE.deadline };
      return { kind: 'finish', outcome: 'expired', error };
    }
    case 'release':
      return { kind: 'give-back' };
    case 'lose':
      return { kind: 'lose' };
    case 'time-out': {
      const error = { name: 'AttemptStopped', message: STOPPED_BECAUSE.timeout };
      return byPolicy(decision, { kind: 'timed-out', error });
    }
  }
}

function failed({ error, fatal, retryAfterMs }: LeaseEndRequest & { verb: 'fail' }): AttemptResult {
  return { kind: 'failed', error, fatal, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
}

/** Null for an output that fits, or that has no schema. */
async function misfitOf(
  db: Database,
  checks: SchemaChecks,
  {
    tenantId,
    id,
    request,
  }: Pick<LeaseEnd, 'tenantId' | 'id'> & { request: LeaseEndRequest & { verb: 'complete' } },
): Promise<AttemptResult | null | 'no-lease'> {
  const found = await ends.findOutputSchema(db, { tenantId, id });
  if (found === undefined) return 'no-lease';
  const { name, outputSchema } = found;
  if (outputSchema === null) return null;
  return checkOutput(checks, JSON.parse(request.outputJson), { tenantId, name, outputSchema });
}

async function byPolicy({ tx, lease, run, random }: Decision, result: AttemptResult): Promise<RunTransition> {
  const jobType =
    result.kind === 'failed' || result.kind === 'timed-out'
      ? await findJobType(tx, { tenantId: lease.tenantId, name: lease.jobType })
      : undefined;
  return transition({ failures: run.failures, result, retry: jobType?.retry ?? DEFAULT_RETRY, random });
}

const LOST_WORKERS: AttemptError = {
  name: 'Poison',
  message: 'expected a worker to survive the run, got one after another that went silent over it',
};

/** Writes the outcome of the run; resolves with its new state. */
async function applyOutcome(
  tx: Tx,
  lease: leases.Lease,
  outcome: Outcome,
  outputJson: string | null,
): Promise<string> {
  const { runId: id, attempt, replica, worker, startedAt, now } = lease;
  switch (outcome.kind) {
    case 'finish': {
      const isDone = outcome.outcome === 'succeeded';
      const error = isDone ? null : outcome.error;
      const run = {
        id,
        outcome: outcome.outcome,
        startedAt,
        finishedAt: now,
        outputJson: isDone ? outputJson : null,
        errorJson: error === null ? null : forJsonb(JSON.stringify(error)),
      };
      await ends.finishRun(tx, { replica, worker, attempt, run });
      return outcome.outcome;
    }
    case 'retry': {
      const { error, delayMs, outcome: ended } = outcome;
      const record = { attempt, outcome: ended, replica, worker, startedAt, finishedAt: now, error };
      const isFailure = ended === 'failed' || ended === 'timed-out';
      const recordJson = forJsonb(JSON.stringify(withoutNulls(record)));
      await retryRuns(tx, [{ id, attempt, delayMs, isFailure, recordJson }]);
      if (isFailure) return 'retrying';
      return delayMs > 0 ? 'scheduled' : 'queued';
    }
    case 'lose': {
      const counts = await ends.loseRun(tx, lease);
      if (counts === undefined || !isPoison(counts)) return 'queued';
      await deadLetter(tx, { replica, runIds: [id], error: LOST_WORKERS });
      return 'dead-lettered';
    }
    case 'give-back':
      return 'queued';
    case 'park':
    case 'put-off':
    case 'recorded':
      throw new Error(
        `expected an attempt outside to end its run or have it tried again, got ${outcome.kind}`,
      );
  }
}

function withoutNulls(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}
