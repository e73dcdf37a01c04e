// Which limits can be set? Strict ones: they hold across hand-over and failover (I7).
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

export const tenantLimits = z.strictObject({
  maxConcurrent: maxConcurrent.optional().describe('Runs that execute at once.'),
  maxQueued: z.int().min(1).max(100_000_000).optional().describe('Runs that wait or execute.'),
  rate: rate.optional().describe('How often runs start.'),
});
export type TenantLimits = z.infer<typeof tenantLimits>;

/** Each holds for one tenant's runs of the job type. */
export const jobTypeLimits = z.strictObject({
  maxConcurrent: maxConcurrent.optional().describe('Runs that execute at once.'),
  maxConcurrentPerKey: maxConcurrent
    .optional()
    .describe('Runs with the same concurrencyKey that execute at once.'),
  rate: rate.optional().describe('How often runs start.'),
});
export type JobTypeLimits = z.infer<typeof jobTypeLimits>;
