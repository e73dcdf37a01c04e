// How long to wait before the next try? One calculation for a run's retries, whose policy the tenant chooses, and one
// for our own loops, which have no policy. Jitter only ever shortens a retry's delay: the undisturbed delay stays the
// promise that a user reads, and `maxMs` is never exceeded. Reconnecting uses full jitter instead, because all replicas
// lose the database at the same moment and must not come back at the same moment.
import type { Random } from './clock.js';

export interface BackoffPolicy {
  kind: 'exponential' | 'linear' | 'fixed';
  /** The delay after the first failure. */
  minMs: number;
  /** No delay is longer; it wins over a larger `minMs`. */
  maxMs: number;
  /** The part of a delay that chance may take away: 0 is none, 1 is all of it. */
  jitter: number;
}

/** Of a job that says nothing of it. */
export const DEFAULT_RETRY: BackoffPolicy & { maxAttempts: number } = {
  maxAttempts: 5,
  kind: 'exponential',
  minMs: 1_000,
  maxMs: 600_000,
  jitter: 0.2,
};

/** Whole milliseconds. `failures` counts from 1; without jitter, more failures never mean a shorter delay. */
export function retryDelayMs({
  policy,
  failures,
  random,
}: {
  policy: BackoffPolicy;
  failures: number;
  random: Random;
}): number {
  const delayMs = Math.min(policy.maxMs, policy.minMs * growth(policy.kind, Math.max(1, failures)));
  return Math.round(delayMs * (1 - policy.jitter * random()));
}

const RECONNECT_MIN_MS = 100;
/** Everything resumes within three seconds of the database's return, however long it was away. */
const RECONNECT_MAX_MS = 2_000;

/** Whole milliseconds from 100 to 2,000. `attempt` counts from 1, and the first is spread over 100 to 200 already. */
export function reconnectDelayMs({ attempt, random }: { attempt: number; random: Random }): number {
  const ceilingMs = Math.min(
    RECONNECT_MAX_MS,
    RECONNECT_MIN_MS * 2 * growth('exponential', Math.max(1, attempt)),
  );
  return Math.round(RECONNECT_MIN_MS + random() * (ceilingMs - RECONNECT_MIN_MS));
}

/** Beyond this many doublings any delay is at its cap; it keeps 0 × Infinity, which is NaN, out of the product. */
const DOUBLINGS_MAX = 52;

function growth(kind: BackoffPolicy['kind'], failures: number): number {
  switch (kind) {
    case 'exponential':
      return 2 ** Math.min(failures - 1, DOUBLINGS_MAX);
    case 'linear':
      return failures;
    case 'fixed':
      return 1;
  }
}
