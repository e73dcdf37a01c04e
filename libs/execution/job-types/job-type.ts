// A job type: a named kind of work, where it runs, and how it is retried and timed.
import { z } from 'zod';
import { KEY_WAITING_MAX, type KeyDefaults } from '#kernel/keys/key-overlap.js';
import type { LockWish } from '#locks/lock.js';
import type { JobTypeLimits } from '#execution/limits/limits.js';

export const retryPolicy = z.strictObject({
  maxAttempts: z.int().min(1).max(100),
  kind: z.enum(['exponential', 'linear', 'fixed']),
  minMs: z.int().min(0),
  maxMs: z.int().min(0),
  jitter: z.number().min(0).max(1),
});
export type RetryPolicy = z.infer<typeof retryPolicy>;

export const DEFAULT_TIMEOUT_MS = 60_000;
export const DEFAULT_LEASE_SECONDS = 30;

export const storedTarget = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('handler'), handler: z.string() }),
  z.strictObject({ kind: z.literal('queue'), queue: z.string() }),
  z.strictObject({ kind: z.literal('pull'), leaseSeconds: z.int() }),
  z.strictObject({ kind: z.literal('http'), url: z.url(), headers: z.record(z.string(), z.string()) }),
]);
export type Target = z.infer<typeof storedTarget>;

export const storedKeyDefaults = z.strictObject({
  overlap: z
    .strictObject({
      mode: z.enum(['skip', 'queue', 'replace', 'latest']),
      max: z.int().min(1).max(KEY_WAITING_MAX).optional(),
    })
    .optional(),
  order: z.literal('strict').optional(),
});

export interface JobType {
  name: string;
  target: Target;
  retry: RetryPolicy;
  timeoutMs: number;
  limits: JobTypeLimits;
  /** Which the attempt of a run holds. */
  locks: LockWish[];
  /** What is said of runs that name a concurrency key and say nothing beside it; null for nothing. */
  keyDefaults: KeyDefaults | null;
  revision: number;
  /** True when the replicas registered it for every tenant; false when the tenant made it. */
  shared: boolean;
  payloadSchema: object | null;
  /** The schema of an output; null lets every output pass. */
  outputSchema: object | null;
  /** An attempt that is silent for so long has failed; null lets it be silent. */
  heartbeatMs: number | null;
  /** Since when no run of it starts. */
  pausedAt: Date | null;
  pauseReason: string | null;
  /** False when the tenant may not name its queue or handler, or no longer: its runs fail. */
  targetAllowed: boolean;
  createdAt: Date;
  updatedAt: Date;
}
