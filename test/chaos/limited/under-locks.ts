// Which runs need locks while things go wrong? A tenant of its own has job types that name an exclusive lock, a semaphore
// or both, one of them for workers outside, and a schedule that names the lock for a job type without any. They are posted
// by dice of their own, so that the draws of all else stay what they were.
import { setTimeout as rest } from 'node:timers/promises';
import { until } from '../../support/until.js';
import type { Cluster, Seat } from '../cluster.js';
import type { Dice } from '../dice.js';
import type { Wish } from '../wish.js';
import type { Poster } from '../workload.js';
import { LEASE_SECONDS, PULLED } from './tenants.js';

export const UNDER_LOCKS = 'under-locks';
const BOOK = { name: 'book' };
const DESK = { name: 'desk', mode: 'permits', permits: 1 };
const DESKS = 2;

const JOB_TYPES = [
  { name: 'committed', target: { kind: 'handler', handler: 'spell.in-tx' }, locks: [BOOK] },
  { name: PULLED, target: { kind: 'pull', leaseSeconds: LEASE_SECONDS }, locks: [BOOK] },
  { name: 'seated', target: { kind: 'handler', handler: 'spell' }, locks: [DESK] },
  { name: 'bare', target: { kind: 'handler', handler: 'spell' }, locks: [] },
];
const PUSHED = { name: 'pushed', locks: [BOOK, DESK] };
const SCHEDULE = {
  name: 'closes',
  spec: { everySeconds: 3 },
  jobType: 'bare',
  payload: { ms: 200 },
  locks: [BOOK],
};

/** How many of these runs may execute at once. */
export const LOCK_LIMITS: readonly { lock: string; limit: number; jobTypes: readonly string[] }[] = [
  { lock: BOOK.name, limit: 1, jobTypes: ['committed', PULLED, 'pushed', 'bare'] },
  { lock: DESK.name, limit: DESKS, jobTypes: ['seated', 'pushed'] },
];

const MS = { min: 50, max: 300 };
/** Seldom enough that what piled up while nothing could run is over when the last look is taken. */
const PAUSE_MS = { min: 1_500, max: 3_000 };

export async function addUnderLocks(
  cluster: Cluster,
  { seat, sinkUrl }: { seat: Seat; sinkUrl: string },
): Promise<void> {
  const path = `/api/v1/tenants/${UNDER_LOCKS}`;
  await cluster.insist(seat, '/api/v1/tenants', { body: { name: UNDER_LOCKS } });
  const allowedHandlers = ['spell', 'spell.in-tx'];
  await cluster.insist(seat, path, { method: 'PATCH', body: { allowedHandlers } });
  await until('the semaphore is there', async () => {
    const answer = await cluster.send(seat, `${path}/locks/${DESK.name}`, {
      method: 'PUT',
      body: { permits: DESKS },
    });
    return answer.status < 300;
  });
  const retry = { maxAttempts: 100, minSeconds: 0.2, maxSeconds: 0.5 };
  for (const jobType of [...JOB_TYPES, { ...PUSHED, target: { kind: 'http', url: sinkUrl } }])
    await cluster.insist(seat, `${path}/job-types`, { body: { ...jobType, retry, timeoutSeconds: 30 } });
  await cluster.insist(seat, `${path}/schedules`, { body: SCHEDULE });
}

export async function postUnderLocks(
  stopped: AbortSignal,
  { poster, seats, dice }: { poster: Poster; seats: readonly Seat[]; dice: Dice },
): Promise<void> {
  while (!stopped.aborted) {
    await rest(dice.between(PAUSE_MS.min, PAUSE_MS.max));
    const seat = dice.pick(seats);
    // Several, so that one is there that must wait for another.
    for (const jobType of ['seated', dice.pick(['committed', PULLED]), 'pushed'])
      await poster.post(seat, wishUnderLocks(jobType, dice.between(MS.min, MS.max)));
  }
}

export function wishUnderLocks(jobType: string, ms: number): Wish & { tenant: string } {
  return { tenant: UNDER_LOCKS, jobType, payload: { ms }, expected: 'succeeded' };
}
