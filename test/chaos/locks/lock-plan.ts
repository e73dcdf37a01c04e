// Which locks are used while things go wrong, and how? A handful of exclusive ones, one that is shared, a semaphore, and two
// that are acquired together as often as alone. The checker counts holds against these very values.
import type { LockWish } from '#client/locks/locks.js';
import type { Dice } from '../dice.js';

export const LOCK_TENANT = 'lock-users';
export const SEMAPHORE = 'pool';
export const PERMITS = 3;
export const LEASE_SECONDS = 3;
/** Of one acquisition; a place in line lasts little longer without another request. */
export const WAIT_SECONDS = 8;

const EXCLUSIVE = ['one', 'two', 'three'];
const SHARED = 'ledger';
const PAIR = ['left', 'right'];
export const LOCK_NAMES: readonly string[] = [...EXCLUSIVE, SHARED, SEMAPHORE, ...PAIR];

export function drawnWish(dice: Dice): LockWish[] {
  const draw = dice.next();
  if (draw < 0.4) return [{ name: dice.pick(EXCLUSIVE) }];
  if (draw < 0.6) return [{ name: SHARED, mode: dice.next() < 0.7 ? 'shared' : 'exclusive' }];
  if (draw < 0.8) return [{ name: SEMAPHORE, mode: 'permits', permits: dice.between(1, 2) }];
  return dice.next() < 0.5 ? PAIR.map((name) => ({ name })) : [{ name: dice.pick(PAIR) }];
}
