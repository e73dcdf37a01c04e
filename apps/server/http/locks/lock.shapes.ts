// The shapes of locks in requests and answers.
import { z } from 'zod';
import { LOCK_MODES } from '#locks/lock.js';
import type { ShownHold } from '#locks/hold.repository.js';
import { pageQuery } from '../answers/page-token.js';
import { fits, lockWishes, ONLY_PERMITS, PERMITS_MAX, wish } from '../requests/lock-wishes.js';
import { instant, orNull, resourceName } from '../requests/shapes.js';

const LEASE_SECONDS_MAX = 86_400;

const token = z.int().min(1).describe('As `:acquire` answered it.');
const leaseSeconds = z
  .number()
  .min(1)
  .max(LEASE_SECONDS_MAX)
  .default(30)
  .describe('The hold ends so long after this request, unless it is renewed before.');

const asking = {
  holder: z
    .string()
    .min(1)
    .max(200)
    .describe('Who asks: a name of the caller’s choice, best a new one for each time, such as a UUID.'),
  leaseSeconds,
  waitSeconds: z
    .number()
    .min(0)
    .max(50)
    .default(0)
    .describe('How long to wait, first come, first served. 0 only tries.'),
  keepPlace: z
    .boolean()
    .default(false)
    .describe(
      'When the time is up, keep the place in line for five seconds, for the next request of the holder.',
    ),
  reentrant: z
    .boolean()
    .default(false)
    .describe('Acquire a lock once more that this holder has in this way; it is to be released as often.'),
};
export const acquireInput = z.strictObject({ ...asking, ...wish }).refine(fits, ONLY_PERMITS);
export type AcquireInput = z.output<typeof acquireInput>;

export const acquireAllInput = z.strictObject({
  ...asking,
  locks: lockWishes.min(1).describe('All of them are acquired, or none.'),
});
export type AcquireAllInput = z.output<typeof acquireAllInput>;

export const renewInput = z.strictObject({ token, leaseSeconds });
export type RenewInput = z.output<typeof renewInput>;

export const releaseInput = z.strictObject({ token });
export type ReleaseInput = z.output<typeof releaseInput>;

export const endInput = z.strictObject({
  token: orNull(token).describe('Of the hold to end; without it, all holds of the lock end.'),
});
export type EndInput = z.output<typeof endInput>;

export const semaphoreInput = z.strictObject({
  name: resourceName.optional().describe('The name in the path.'),
  permits: z.int().min(1).max(PERMITS_MAX),
});
export type SemaphoreInput = z.output<typeof semaphoreInput>;

export const locksQuery = z.strictObject(pageQuery);

const held = {
  name: z.string(),
  token: z.int().describe('Larger than that of every earlier hold of this lock: a fencing token.'),
  expiresAt: instant.nullable().describe('Null for the hold of a run, which lasts as long as its attempt.'),
};
export const acquired = z.object(held).meta({ id: 'AcquiredLock' });
export const acquiredAll = z.object({ locks: z.array(acquired) }).meta({ id: 'AcquiredLocks' });

const hold = z.object({
  ...held,
  holder: z.string(),
  mode: z.enum(LOCK_MODES),
  permits: z.int(),
  depth: z.int().describe('How often the holder has acquired it and not released it.'),
  acquiredAt: instant,
  runId: z.uuid().nullable().describe('The run whose attempt holds it.'),
});
export const ended = z.object({ ended: z.array(hold) }).meta({ id: 'EndedHolds' });

export const lock = z
  .object({
    name: z.string(),
    permits: z.int().nullable().describe('Of a semaphore; null for a lock that was not defined as one.'),
    revision: z.int().nullable().describe('Of the semaphore.'),
    isHeld: z.boolean(),
    holds: z.array(hold).describe('The oldest first, a hundred at most.'),
    waiters: z.int().describe('How many wait for it.'),
  })
  .meta({ id: 'Lock' });

export function showHold(hold: ShownHold) {
  const { name, token, expiresAt, holder, mode, permits, depth, acquiredAt, runId } = hold;
  return { name, token, expiresAt, holder, mode, permits, depth, acquiredAt, runId };
}
