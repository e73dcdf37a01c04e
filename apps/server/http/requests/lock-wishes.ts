// The locks that a request wants, for itself or for the runs of a job type.
import { z } from 'zod';
import { LOCK_MODES, type LockWish } from '#locks/lock.js';
import { resourceName } from './shapes.js';

export const PERMITS_MAX = 10_000;
const LOCKS_MAX = 20;

export const wish = {
  mode: z
    .enum(LOCK_MODES)
    .default('exclusive')
    .describe(
      '`exclusive` excludes every other hold, `shared` all but shared ones; `permits` takes some of a semaphore.',
    ),
  permits: z.int().min(1).max(PERMITS_MAX).default(1).describe('More than 1 only with `mode` permits.'),
};
export const ONLY_PERMITS = { path: ['permits'], error: 'expected 1, or more with mode permits' };
export const fits = ({ mode, permits }: Pick<LockWish, 'mode' | 'permits'>) =>
  mode === 'permits' || permits === 1;

/** Each lock once. */
export const lockWishes = z
  .array(z.strictObject({ name: resourceName, ...wish }).refine(fits, ONLY_PERMITS))
  .max(LOCKS_MAX)
  .superRefine((locks, context) => {
    const names = new Set<string>();
    for (const [index, { name }] of locks.entries()) {
      if (names.has(name))
        context.addIssue({
          code: 'custom',
          path: [index, 'name'],
          message: 'expected each lock once',
          input: name,
        });
      names.add(name);
    }
  });
