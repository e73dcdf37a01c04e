// What becomes of a run when an attempt has ended? A pure table: success finishes it, a failure is tried
// again until its attempts are used up, unless it says that trying again is pointless.
import { retryDelayMs } from '#kernel/backoff.js';

export interface AttemptError {
  name: string;
  message: string;
  stack?: string;
}

export type AttemptResult =
  | { kind: 'succeeded'; output: unknown }
  | { kind: 'failed'; error: AttemptError; fatal: boolean }
  /** Claimed but never started: nobody's fault, no attempt used. */
  | { kind: 'released' }
  /** Stopped by us after it had started: nobody's fault either, but it ran, so no other one may have its number. */
  | { kind: 'stopped'; error: AttemptError };

export type RunTransition =
  | { kind: 'finish'; outcome: 'succeeded'; output: unknown }
  | { kind: 'finish'; outcome: 'failed'; error: AttemptError }
  | { kind: 'retry'; delayMs: number; error: AttemptError }
  | { kind: 'release' }
  | { kind: 'lose'; error: AttemptError };

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
    case 'stopped':
      return { kind: 'lose', error: result.error };
    case 'failed': {
      const failed = failures + 1;
      if (result.fatal || failed >= retry.maxAttempts)
        return { kind: 'finish', outcome: 'failed', error: result.error };
      return {
        kind: 'retry',
        delayMs: retryDelayMs({ policy: retry, failures: failed, random }),
        error: result.error,
      };
    }
  }
}
