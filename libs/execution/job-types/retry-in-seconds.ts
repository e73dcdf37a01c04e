// How users read and write a retry policy: in seconds, with the same names in `defineJob`, over REST and by workers. It
// is stored in milliseconds, and no other place converts one form into the other.
import { z } from 'zod';
import { DEFAULT_RETRY } from '#kernel/backoff.js';
import { retryPolicy, type RetryPolicy } from './job-type.js';

export const retryInSeconds = z.strictObject({
  maxAttempts: retryPolicy.shape.maxAttempts,
  backoff: retryPolicy.shape.kind,
  minSeconds: z.number().min(0),
  maxSeconds: z.number().min(0),
  jitter: retryPolicy.shape.jitter,
});
export type RetryInSeconds = z.infer<typeof retryInSeconds>;

/** A part that is left out is as in the default. */
export function retryPolicyOf(told: {
  [Field in keyof RetryInSeconds]?: RetryInSeconds[Field] | undefined;
}): RetryPolicy {
  return {
    maxAttempts: told.maxAttempts ?? DEFAULT_RETRY.maxAttempts,
    kind: told.backoff ?? DEFAULT_RETRY.kind,
    minMs: told.minSeconds === undefined ? DEFAULT_RETRY.minMs : wholeMs(told.minSeconds),
    maxMs: told.maxSeconds === undefined ? DEFAULT_RETRY.maxMs : wholeMs(told.maxSeconds),
    jitter: told.jitter ?? DEFAULT_RETRY.jitter,
  };
}

export function inSeconds({ maxAttempts, kind, minMs, maxMs, jitter }: RetryPolicy): RetryInSeconds {
  return { maxAttempts, backoff: kind, minSeconds: minMs / 1_000, maxSeconds: maxMs / 1_000, jitter };
}

/** Stored values are whole milliseconds, and 1.005 s is not one of them in binary. */
export function wholeMs(seconds: number): number {
  return Math.round(seconds * 1_000);
}
