// How does a lease end? With one word of its holder's, or none at all when its time is up. In one transaction its
// row is deleted, which decides the run, the run gets its own run_at back, and then it is finished, put back for
// another try, or put back untouched, by the same statements that end a claimed run. What was answered is remembered
// for a day, so that a holder who did not get the answer may ask again (I2).
import type { Database, Tx } from '#database/connection.js';
import type { RunOutcome } from '#database/schema.js';
import type { Random } from '#kernel/clock.js';
import type { LeaseId, RunId, Slot, TenantId } from '#kernel/ids.js';
import { isPoison } from './decisions/poison.js';
import { transition, type AttemptError, type RunTransition } from './decisions/run-transition.js';
import { verdictOf } from './decisions/lease-verdict.js';
import { DEFAULT_RETRY } from './job-type.js';
import { findJobType } from './job-type.repository.js';
import * as ends from './lease-end.repository.js';
import * as leases from './lease.repository.js';
import { deadLetter } from './revocation.repository.js';
import { finishRuns, retryRuns, snoozeRuns } from './settlement.repository.js';
import { forJsonb } from './stored-json.js';

export type LeaseWord =
  | { verb: 'complete'; outputJson: string }
  | { verb: 'fail'; error: AttemptError; fatal: boolean; retryAfterMs: number | null }
  | { verb: 'snooze'; delayMs: number }
  | { verb: 'release' };

export type LeaseEnding =
  /** `slot` is that of a run that waits again; null when none does. */
  | { kind: 'ended'; answer: ends.LeaseAnswer; slot: Slot | null }
  /** Somebody else has ended it, with this word. */
  | { kind: 'lost'; verb: string }
  /** Nothing is known of it: it ended long ago, or it is not parked yet. */
  | { kind: 'unknown' };

type Outcome =
  | RunTransition
  | { kind: 'finish'; outcome: Exclude<RunOutcome, 'succeeded'>; error: AttemptError }
  | { kind: 'lose' };

/** Ends a lease with its holder's word. */
export async function endLease(
  db: Database,
  { tenantId, id, word, random }: { tenantId: TenantId; id: LeaseId; word: LeaseWord; random: Random },
): Promise<LeaseEnding> {
  return readCommitted(db, async (tx) => {
    const lease = await leases.deleteLease(tx, { tenantId, id });
    if (lease === undefined) return repeated(await ends.findEnd(tx, id), word.verb);
    const run = await ends.returnRun(tx, lease);
    if (run === undefined) return { kind: 'lost', verb: 'revoke' };
    const outcome = await outcomeOf({ tx, lease, run, word, random });
    const state = await bringAbout(tx, lease, outcome, word.verb === 'complete' ? word.outputJson : null);
    const answer = { runId: lease.runId, state };
    await ends.rememberEnd(tx, id, { verb: word.verb, answer });
    return { kind: 'ended', answer, slot: outcome.kind === 'finish' ? null : lease.slot };
  });
}

/** Ends leases whose time is up, a bounded number; resolves with the slots of the runs that they held. */
export async function endExpired(
  db: Database,
  { limit, random }: { limit: number; random: Random },
): Promise<Slot[]> {
  return readCommitted(db, async (tx) => {
    const slots: Slot[] = [];
    for (const lease of await leases.deleteExpired(tx, { limit })) {
      const run = await ends.returnRun(tx, lease);
      if (run === undefined) continue;
      const verdict = verdictOf({ ...lease, ...run });
      const state = await bringAbout(
        tx,
        lease,
        await verdictOutcome({ tx, lease, run, random, verdict }),
        null,
      );
      await ends.rememberEnd(tx, lease.id, { verb: verdict, answer: { runId: lease.runId, state } });
      slots.push(lease.slot);
    }
    return slots;
  });
}

/**
 * Cancels a run that is offered. 'cancelled': it is over. 'not-offered': a worker has it, and is told at its next
 * heartbeat by the run's cancel_requested_at; or the run is not outside at all.
 */
export async function cancelOffered(
  tx: Tx,
  { tenantId, runId }: { tenantId: TenantId; runId: RunId },
): Promise<'cancelled' | 'not-offered'> {
  const lease = await leases.deleteOffer(tx, { tenantId, runId });
  if (lease === undefined || (await ends.returnRun(tx, lease)) === undefined) return 'not-offered';
  await bringAbout(tx, lease, CANCELLED, null);
  return 'cancelled';
}

function repeated(end: ends.EndedLease | undefined, verb: string): LeaseEnding {
  if (end === undefined) return { kind: 'unknown' };
  return end.verb === verb
    ? { kind: 'ended', answer: end.answer, slot: null }
    : { kind: 'lost', verb: end.verb };
}

interface Decision {
  tx: Tx;
  lease: leases.Lease;
  run: ends.ReturnedRun;
  random: Random;
}

const CANCELLED: Outcome = {
  kind: 'finish',
  outcome: 'cancelled',
  error: { name: 'Cancelled', message: 'the run was cancelled' },
};

async function outcomeOf({ word, ...decision }: Decision & { word: LeaseWord }): Promise<Outcome> {
  // The work is done, whatever was wished meanwhile.
  if (word.verb === 'complete') return { kind: 'finish', outcome: 'succeeded', output: null };
  if (decision.run.cancelRequested) return CANCELLED;
  switch (word.verb) {
    case 'fail':
      return failure(decision, word);
    case 'snooze':
      return { kind: 'snooze', delayMs: word.delayMs };
    case 'release':
      return { kind: 'release' };
  }
}

async function verdictOutcome({
  verdict,
  ...decision
}: Decision & { verdict: ReturnType<typeof verdictOf> }): Promise<Outcome> {
  switch (verdict) {
    case 'cancel':
      return CANCELLED;
    case 'expire': {
      const error = { name: 'DeadlinePassed', message: 'the run was not over at its deadline' };
      return { kind: 'finish', outcome: 'expired', error };
    }
    case 'release':
      return { kind: 'release' };
    case 'lose':
      return { kind: 'lose' };
    case 'time-out': {
      const error = { name: 'AttemptStopped', message: 'the attempt took longer than its timeout' };
      return failure(decision, { error, fatal: false, retryAfterMs: null });
    }
  }
}

async function failure(
  { tx, lease, run, random }: Decision,
  { error, fatal, retryAfterMs }: { error: AttemptError; fatal: boolean; retryAfterMs: number | null },
): Promise<RunTransition> {
  const jobType = await findJobType(tx, { tenantId: lease.tenantId, name: lease.jobType });
  const result = {
    kind: 'failed',
    error,
    fatal,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  } as const;
  return transition({ failures: run.failures, result, retry: jobType?.retry ?? DEFAULT_RETRY, random });
}

const LOST_WORKERS: AttemptError = {
  name: 'Poison',
  message: 'expected a worker to survive the run, got one after another that went silent over it',
};

/** Writes what becomes of the run; resolves with the state that it is in then. */
async function bringAbout(
  tx: Tx,
  lease: leases.Lease,
  outcome: Outcome,
  outputJson: string | null,
): Promise<string> {
  const { runId: id, attempt, replica, worker, startedAt, now } = lease;
  switch (outcome.kind) {
    case 'finish': {
      const errorJson = 'error' in outcome ? forJsonb(JSON.stringify(outcome.error)) : null;
      const run = { id, outcome: outcome.outcome, startedAt, finishedAt: now, outputJson, errorJson };
      await finishRuns(tx, { replica, attempt, runs: [run] });
      return outcome.outcome;
    }
    case 'retry': {
      const { error, delayMs } = outcome;
      const record = { attempt, outcome: 'failed', replica, worker, startedAt, finishedAt: now, error };
      await retryRuns(tx, [{ id, attempt, delayMs, recordJson: forJsonb(JSON.stringify(record)) }]);
      return 'retrying';
    }
    case 'snooze':
      await snoozeRuns(tx, [{ id, attempt, delayMs: outcome.delayMs }]);
      return 'scheduled';
    case 'lose': {
      const counts = await ends.loseRun(tx, lease);
      if (counts === undefined || !isPoison(counts)) return 'queued';
      await deadLetter(tx, { replica, runIds: [id], error: LOST_WORKERS });
      return 'dead-lettered';
    }
    case 'release':
    case 'park': // nothing that ends outside is parked again
      return 'queued';
  }
}

// Said each time: under repeatable read the word that waited for another one would not see that it came second.
function readCommitted<Value>(db: Database, write: (tx: Tx) => Promise<Value>): Promise<Value> {
  return db.transaction().setIsolationLevel('read committed').execute(write);
}
