// What is asked of the limited tenants? Runs of every kind of target, singly and many at once, with priorities, keys and
// unique keys, so drawn that the limits are reached again and again and what waits for them is over soon.
import type { Dice } from '../dice.js';
import { LIMITED_JOB_TYPES, LIMITED_TENANTS, PAUSED_QUEUE, type LimitedJobType } from './tenants.js';
import type { Wish } from '../wish.js';

const PRIORITY_MAX = 5;
const PART_IN_PAUSED_QUEUE = 0.2;
const PART_REFUSED_AT_FIRST = 0.3;
const PART_UNIQUE = 0.5;
const UNIQUE_NOW_AND_THEN = new Set(['metered', 'worked']);
const BATCH_SIZE = { min: 4, max: 8 };

const SPELL_MS = { min: 100, max: 800 };
/** It takes a whole core. */
const COMPUTED_MS = { min: 20, max: 150 };

export function limitedWish(dice: Dice): Wish & { tenant: string } {
  const { name: tenant } = dice.pick(LIMITED_TENANTS);
  return { tenant, ...wishOf(dice, dice.pick(LIMITED_JOB_TYPES)) };
}

/** Of one job type, so that its limit is reached. */
export function limitedBatch(dice: Dice): { tenant: string; wishes: Wish[] } {
  const { name: tenant } = dice.pick(LIMITED_TENANTS);
  const jobType = dice.pick(LIMITED_JOB_TYPES);
  const size = dice.between(BATCH_SIZE.min, BATCH_SIZE.max);
  return { tenant, wishes: Array.from({ length: size }, () => wishOf(dice, jobType)) };
}

function wishOf(dice: Dice, { name, limits }: LimitedJobType): Wish {
  const range = name === 'computed' ? COMPUTED_MS : SPELL_MS;
  const ms = dice.between(range.min, range.max);
  const isRefused = name === 'pushed' && dice.next() < PART_REFUSED_AT_FIRST;
  const hasKey = limits.maxConcurrentPerKey !== undefined;
  const concurrencyKey = dice.pick(['a', 'b']);
  const unique = dice.pick(['one', 'two']);
  const isUnique = UNIQUE_NOW_AND_THEN.has(name) && dice.next() < PART_UNIQUE;
  const isInPausedQueue = dice.next() < PART_IN_PAUSED_QUEUE;
  const priority = dice.between(-PRIORITY_MAX, PRIORITY_MAX);
  return {
    jobType: name,
    payload: { ms, ...(isRefused ? { refusals: 1 } : {}), ...(name === 'continued' ? { later: true } : {}) },
    expected: 'succeeded',
    priority,
    ...(isInPausedQueue ? { queue: PAUSED_QUEUE } : {}),
    ...(hasKey ? { concurrencyKey } : {}),
    ...(isUnique ? { unique: { key: unique } } : {}),
  };
}
