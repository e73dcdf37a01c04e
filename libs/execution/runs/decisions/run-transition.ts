// What becomes of a run when an attempt has ended? A pure table: a success finishes the run; a failure is retried until
// its attempts are used up, unless it is fatal. The whole life of a run, with the steps between attempts, is drawn in
// docs/RUN-LIFE.md.
import { retryDelayMs } from '#kernel/backoff.js';
import type { LeaseId } from '#kernel/ids.js';

export interface AttemptError {
  name: string;
  message: string;
  stack?: string;
}

export type AttemptResult =
  | { kind: 'succeeded'; output: unknown }
  /** The handler has committed the run's end itself, together with its own writes. */
  | { kind: 'completed' }
  | {
      kind: 'failed';
      error: AttemptError;
      /** Trying again would be pointless. */
      fatal: boolean;
      /** When the work itself wants to be retried (RetryAt, or Retry-After of an HTTP answer); overrides the policy. */
      retryAfterMs?: number;
    }
  /** Counts as a failure. */
  | { kind: 'timed-out'; error: AttemptError }
  /** The handler wants to continue later; nothing failed. */
  | { kind: 'snoozed'; delayMs: number }
  /** The attempt has not begun, because it could not succeed now; the run is not to blame. */
  | { kind: 'put-off'; delayMs: number }
  /** The run goes on outside of the replicas; the transaction that ends its lease decides it. */
  | { kind: 'parked'; lease: NewLease }
  /** By the handler, which says why, or by a request. */
  | { kind: 'cancelled'; error: AttemptError | null }
  /** The run's deadline has passed. */
  | { kind: 'expired'; error: AttemptError }
  /** Stopped by its replica: no failure, but it ran, so no other attempt may have its number. */
  | { kind: 'lost'; error: AttemptError };

/** Work to do outside: offered to workers that pull, or taken by the endpoint that was called. */
export interface NewLease {
  id: LeaseId;
  kind: 'pull' | 'push';
  /** How long it lasts without a heartbeat; null when none is required. */
  leaseMs: number | null;
  timeoutMs: number;
}

export type RunTransition =
  | { kind: 'finish'; outcome: 'succeeded'; output: unknown }
  | { kind: 'finish'; outcome: 'failed' | 'dead-lettered' | 'expired'; error: AttemptError }
  /** With a reason of its own for the ledger, if it was not asked for. */
  | { kind: 'finish'; outcome: 'cancelled'; error: AttemptError | null; reason?: 'overlap' }
  /** Another attempt with the next number; only `failed` and `timed-out` count as failures. */
  | { kind: 'retry'; outcome: 'failed' | 'timed-out'; delayMs: number; error: AttemptError }
  | { kind: 'retry'; outcome: 'snoozed'; delayMs: number; error: null }
  | { kind: 'retry'; outcome: 'lost'; delayMs: 0; error: AttemptError }
  /** The attempt goes on outside, under a lease. */
  | { kind: 'park'; lease: NewLease }
  /** The same attempt, later. */
  | { kind: 'put-off'; delayMs: number }
  /** Claimed but never started: given back unchanged. */
  | { kind: 'give-back' }
  /** Its end is in the database already. */
  | { kind: 'recorded' };

export interface RetryRule {
  maxAttempts: number;
  kind: 'exponential' | 'linear' | 'fixed';
  minMs: number;
  maxMs: number;
  jitter: number;
}

export interface TransitionInput {
  /** Failures before this attempt. */
  failures: number;
  result: AttemptResult;
  retry: RetryRule;
  random: () => number;
}

/** The longest delay that a handler may ask for; a longer one belongs into a schedule. */
const DELAY_MS_MAX = 30 * 86_400_000;

/**
 * Of a run whose attempt has not begun. The start of a run that was lost before may be recorded already, and that goes
 * with being put off: a death of the replica that only finds the run waiting must not count as its crash.
 */
export function unbegun({ losses }: { losses: number }): RunTransition {
  return losses > 0 ? { kind: 'put-off', delayMs: 0 } : { kind: 'give-back' };
}

export function transition({ failures, result, retry, random }: TransitionInput): RunTransition {
  switch (result.kind) {
    case 'succeeded':
      return { kind: 'finish', outcome: 'succeeded', output: result.output };
    case 'completed':
      return { kind: 'recorded' };
    case 'cancelled':
      return { kind: 'finish', outcome: 'cancelled', error: result.error };
    case 'expired':
      return { kind: 'finish', outcome: 'expired', error: result.error };
    case 'put-off':
      return { kind: 'put-off', delayMs: askedDelayMs(result.delayMs) };
    case 'parked':
      return { kind: 'park', lease: result.lease };
    case 'lost':
      return { kind: 'retry', outcome: 'lost', delayMs: 0, error: result.error };
    case 'snoozed':
      return { kind: 'retry', outcome: 'snoozed', delayMs: askedDelayMs(result.delayMs), error: null };
    case 'failed':
    case 'timed-out': {
      const { kind: outcome, error } = result;
      const failed = failures + 1;
      if (result.kind === 'failed' && result.fatal) return { kind: 'finish', outcome: 'failed', error };
      if (failed >= retry.maxAttempts) return { kind: 'finish', outcome: 'dead-lettered', error };
      const asked = result.kind === 'failed' ? result.retryAfterMs : undefined;
      const delayMs =
        asked === undefined ? retryDelayMs({ policy: retry, failures: failed, random }) : askedDelayMs(asked);
      return { kind: 'retry', outcome, delayMs, error };
    }
  }
}

/** Whole milliseconds; a value that is no number means now. */
function askedDelayMs(ms: number): number {
  return Number.isNaN(ms) ? 0 : Math.round(Math.min(DELAY_MS_MAX, Math.max(0, ms)));
}
