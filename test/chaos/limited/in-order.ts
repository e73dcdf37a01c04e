// Which runs must start in their order while things go wrong? A tenant of its own has keys with a strict order, one of a
// handler and one of an endpoint, which refuses some at first. They are posted by dice of their own, so that the draws
// of all else stay what they were.
import { setTimeout as rest } from 'node:timers/promises';
import type { Cluster, Seat } from '../cluster.js';
import type { Dice } from '../dice.js';
import type { Wish } from '../wish.js';
import type { Poster } from '../workload.js';

const TENANT = 'in-order';
const KEY = 'only';
const MS = { min: 50, max: 400 };
const PART_REFUSED_AT_FIRST = 0.4;
/** Seldom enough that what piled up while nothing could run is over when the last look is taken. */
const PAUSE_MS = { min: 1_000, max: 2_500 };

export async function addInOrder(
  cluster: Cluster,
  { seat, sinkUrl }: { seat: Seat; sinkUrl: string },
): Promise<void> {
  const path = `/api/v1/tenants/${TENANT}`;
  await cluster.insist(seat, '/api/v1/tenants', { body: { name: TENANT } });
  await cluster.insist(seat, path, { method: 'PATCH', body: { allowedHandlers: ['spell'] } });
  const retry = { maxAttempts: 100, minSeconds: 0.2, maxSeconds: 0.5 };
  for (const [name, target] of Object.entries({
    worked: { kind: 'handler', handler: 'spell' },
    pushed: { kind: 'http', url: sinkUrl },
  })) {
    const body = { name, target, retry, timeoutSeconds: 30, keyDefaults: { order: 'strict' } };
    await cluster.insist(seat, `${path}/job-types`, { body });
  }
}

export async function postInOrder(
  stopped: AbortSignal,
  { poster, seats, dice }: { poster: Poster; seats: readonly Seat[]; dice: Dice },
): Promise<void> {
  while (!stopped.aborted) {
    await rest(dice.between(PAUSE_MS.min, PAUSE_MS.max));
    const jobType = dice.pick(['worked', 'pushed']);
    const isRefused = jobType === 'pushed' && dice.next() < PART_REFUSED_AT_FIRST;
    const seat = dice.pick(seats);
    // Two, so that one is there that must wait while the other is tried again.
    await poster.post(seat, wishInOrder(jobType, { ms: dice.between(MS.min, MS.max), isRefused }));
    await poster.post(seat, wishInOrder(jobType, { ms: dice.between(MS.min, MS.max), isRefused: false }));
  }
}

export function wishInOrder(
  jobType: string,
  { ms, isRefused }: { ms: number; isRefused: boolean },
): Wish & { tenant: string } {
  return {
    tenant: TENANT,
    jobType,
    payload: { ms, ...(isRefused ? { refusals: 1 } : {}) },
    expected: 'succeeded',
    concurrencyKey: KEY,
  };
}
