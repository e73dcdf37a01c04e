// What becomes of a run when an attempt has ended? A pure table: success finishes it, a failure is tried
// again until its attempts are used up, unless it says that trying again is pointless.
import { retryDelayMs } from '#kernel/backoff.js';
import type { LeaseId } from '#kernel/ids.js';

export interface AttemptError {
  name: string;
  message: string;
  stack?: string;
}

export type AttemptResult =
  | { kind: 'succeeded'; output: unknown }
  /** `retryAfterMs`: whoever failed asks for no earlier try. */
  | { kind: 'failed'; error: AttemptError; fatal: boolean; retryAfterMs?: number }
  /** Not now, and nobody's fault: no attempt used. */
  | { kind: 'snoozed'; delayMs: number }
  /** It goes on outside of the replicas; whoever ends the lease decides the run. */
  | { kind: 'parked'; lease: NewLease }
  /** Claimed but never started, or stopped by us: nobody's fault, no attempt used. */
  | { kind: 'released' };

/** Work for outside: offered to workers that pull, or taken by the endpoint that it was pushed to. */
export interface NewLease {
  id: LeaseId;
  kind: 'pull' | 'push';
  /** How long it lasts without a heartbeat; null when none is asked for. */
  leaseMs: number | null;
  timeoutMs: number;
}

export type RunTransition =
  | { kind: 'finish'; outcome: 'succeeded'; output: unknown }
  | { kind: 'finish'; outcome: 'failed'; error: AttemptError }
  | { kind: 'retry'; delayMs: number; error: AttemptError }
  | { kind: 'snooze'; delayMs: number }
  | { kind: 'park'; lease: NewLease }
  | { kind: 'release' };

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

export function transition({ failures, result, retry, random }: TransitionInput): RunTransition {
  switch (result.kind) {
    case 'succeeded':
      return { kind: 'finish', outcome: 'succeeded', output: result.output };
    case 'released':
      return { kind: 'release' };
    case 'snoozed':
      return { kind: 'snooze', delayMs: result.delayMs };
    case 'parked':
      return { kind: 'park', lease: result.lease };
    case 'failed': {
      const failed = failures + 1;
      if (result.fatal || failed >= retry.maxAttempts)
        return { kind: 'finish', outcome: 'failed', error: result.error };
      return {
        kind: 'retry',
        delayMs: Math.max(
          result.retryAfterMs ?? 0,
          retryDelayMs({ policy: retry, failures: failed, random }),
        ),
        error: result.error,
      };
    }
  }
}
