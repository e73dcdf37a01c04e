// The limits that can be set. They are strict: they hold across hand-over and failover (I7).
import { z } from 'zod';

const rate = z.strictObject({
  count: z
    .int()
    .min(1)
    .max(1_000_000)
    .describe('Starts in perSeconds; as many may come at once after a pause.'),
  perSeconds: z.int().min(1).max(86_400),
});
const maxConcurrent = z.int().min(1).max(1_000_000);

/**
 * A tenant's part of what all tenants share, unless an administrator says otherwise. A part whose meaning says "in a
 * replica" is counted in each replica by itself.
 */
export const DEFAULT_SHARES = {
  maxRequests: 1_000,
  maxWaits: 500,
  maxAcquires: 100,
  maxLockWaits: 1_000,
  maxLogStreams: 20,
  maxSchedules: 10_000,
  maxJobTypes: 1_000,
  maxApiKeys: 1_000,
  maxWorkers: 1_000,
  maxPausedQueues: 1_000,
  maxOperations: 5,
  maxLocks: 10_000,
} as const;

export type ShareName = keyof typeof DEFAULT_SHARES;

const share = (name: ShareName, meaning: string) =>
  z
    .int()
    .min(1)
    .max(100_000_000)
    .optional()
    .describe(`${meaning} Default: ${DEFAULT_SHARES[name].toLocaleString('en')}.`);

const shares = {
  maxRequests: share('maxRequests', 'Requests in a replica at once, with those that wait for their turn.'),
  maxWaits: share('maxWaits', 'Requests in a replica that wait for the end of a run at once.'),
  maxAcquires: share('maxAcquires', 'Requests in a replica that wait for leases at once.'),
  maxLockWaits: share('maxLockWaits', 'Requests in a replica that wait for locks at once.'),
  maxLogStreams: share('maxLogStreams', 'Requests in a replica that follow logs at once.'),
  maxSchedules: share('maxSchedules', 'Schedules.'),
  maxJobTypes: share('maxJobTypes', 'Job types of its own.'),
  maxApiKeys: share('maxApiKeys', 'Keys; those that were revoked make room.'),
  maxWorkers: share(
    'maxWorkers',
    'Workers that are registered; those that have been silent for two minutes make room.',
  ),
  maxPausedQueues: share('maxPausedQueues', 'Queues that are paused.'),
  maxOperations: share('maxOperations', 'Operations that have not ended, such as backfills.'),
  maxLocks: share(
    'maxLocks',
    'Holds of locks at once. Each replica counts now and then, so it may be some more.',
  ),
};

export const tenantLimits = z.strictObject({
  maxConcurrent: maxConcurrent.optional().describe('Runs that execute at once.'),
  maxQueued: z
    .int()
    .min(1)
    .max(100_000_000)
    .optional()
    .describe(
      'Runs that are not over: those that execute, those that wait, also for a later instant, and due times of schedules that are planned already. What a schedule is due beyond it is skipped.',
    ),
  rate: rate.optional().describe('How often runs start.'),
  ...shares,
});
export type TenantLimits = z.infer<typeof tenantLimits>;

export function shareOf(limits: TenantLimits, name: ShareName): number {
  return limits[name] ?? DEFAULT_SHARES[name];
}

/** Each holds for one tenant's runs of the job type. */
export const jobTypeLimits = z.strictObject({
  maxConcurrent: maxConcurrent.optional().describe('Runs that execute at once.'),
  maxConcurrentPerKey: maxConcurrent
    .optional()
    .describe('Runs with the same concurrencyKey that execute at once.'),
  rate: rate.optional().describe('How often runs start.'),
});
export type JobTypeLimits = z.infer<typeof jobTypeLimits>;
