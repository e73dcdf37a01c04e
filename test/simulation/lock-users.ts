// Who wants named locks in a simulated world? Runs of job types that name them, those of a schedule that does, and callers
// who acquire them beside the runs. A caller asks until it has them, and forgets at times to release what it got: then its
// lease ends.
import { acquireLocks } from '#locks/acquiring.repository.js';
import { releaseHold } from '#locks/hold.repository.js';
import { inOrder, type LockHold, type LockWish } from '#locks/lock.js';
import { asId } from '#kernel/ids.js';
import type { Work } from './executions.js';
import {
  BOTH_SHOVELS,
  DOOR,
  LOCKING_JOBS,
  LOCKING_SCHEDULE,
  LOOK,
  SEMAPHORE,
  SHOVEL,
  TENANT,
} from './named-locks.js';
import { keyOf } from './overlaps.js';
import type { SimulatedCluster } from './simulated-cluster.js';

const WISHES: readonly (readonly LockWish[])[] = [
  [DOOR],
  [DOOR],
  [LOOK],
  [SHOVEL],
  [BOTH_SHOVELS],
  [DOOR, SHOVEL],
];
const LEASE_MS = 1_500;
/** Beyond those of the others. */
const SCHEDULE_NUMBER = 99;
/** A place in line outlives the pause until the caller asks again. */
const PLACE_MS = 2_000;
const ASK_AGAIN_MS = 150;
const TRY_AGAIN_MS = 500;
/** How far apart the rate of some runs keeps their starts. */
const RATE_MS = 1_000;

interface Caller {
  holder: string;
  wishes: readonly LockWish[];
  /** It stands in line; otherwise it only tries. */
  waits: boolean;
  keepsMs: number;
  releases: boolean;
}

export function planLockUsers(cluster: SimulatedCluster, { untilMs }: { untilMs: number }): void {
  const { world, db, locks, apiUser } = cluster;
  if (locks === null) return;
  const { random, slot } = locks;
  db.tenant.put(TENANT, { id: TENANT, weight: 1, limits: {} });
  db.semaphore.put(`${TENANT}/${SEMAPHORE.name}`, { permits: SEMAPHORE.permits });
  for (const [name, job] of Object.entries(LOCKING_JOBS)) db.jobType.put(name, { name, ...job });
  addSchedule(cluster, slot);
  const of = { tenants: [{ id: TENANT, slot }], jobTypes: Object.keys(LOCKING_JOBS) };
  for (let count = random.whole(6, 14); count > 0; count -= 1) {
    apiUser.serialMs += RATE_MS;
    world.after(random.between(500, untilMs), () => apiUser.enqueue(of));
  }
  for (let count = random.whole(3, 8); count > 0; count -= 1) {
    const caller = {
      holder: `caller-${count}`,
      wishes: inOrder(random.pick(WISHES) ?? [DOOR]),
      waits: random.chance(0.75),
      keepsMs: random.between(5, LEASE_MS * 0.8),
      releases: random.chance(0.8),
    };
    // Each may be served before the runs, and a lost answer keeps it waiting for the end of its own lease.
    apiUser.serialMs += 2 * LEASE_MS;
    world.after(random.between(500, untilMs), () => ask(cluster, caller));
  }
}

function addSchedule({ world, db, invariants, apiUser }: SimulatedCluster, slot: number): void {
  const { jobType, seconds, ms, locks } = LOCKING_SCHEDULE;
  const id = `schedule-of-${TENANT}`;
  const firstDueMs = (Math.floor(world.server.wallMs() / 1_000) + seconds) * 1_000;
  const anchorAt = new Date(firstDueMs).toISOString();
  const spec = JSON.stringify({ kind: 'every', seconds, anchorAt });
  const payload: Work = { ms, failures: 0, deaf: false, snoozeMs: null, talks: false };
  db.schedule.put(id, {
    id,
    name: id,
    tenantId: TENANT,
    slot,
    jobType,
    payload,
    spec,
    locks,
    catchUp: null,
    concurrencyKey: keyOf(SCHEDULE_NUMBER, { mode: 'allow' }),
    specSinceMs: null,
    state: 'active',
    pausedUntilMs: null,
    nextDueMs: firstDueMs,
    revision: 1,
  });
  apiUser.serialMs += LEASE_MS;
  invariants.asked.begin(id, spec);
  invariants.caughtUp.begin(id, null);
}

function ask(cluster: SimulatedCluster, caller: Caller): void {
  const { world, apiUser, waitingCallers } = cluster;
  const { holder, wishes, waits } = caller;
  if (waits) waitingCallers.add(holder);
  const again = (ms: number): void => {
    if (waits) world.after(ms, () => ask(cluster, caller));
  };
  const request = { tenantId: asId.tenant(TENANT), holder, wishes, leaseMs: LEASE_MS, isReentrant: false };
  apiUser.ask(`acquire ${wishes.map(({ name }) => name).join(' and ')} for ${holder}`, async (db) => {
    const waiting = waits ? { ms: PLACE_MS, replica: null } : null;
    try {
      const got = await acquireLocks(db, request, waiting);
      // One whose answer was lost has them, until that lease ends.
      if (got === null || !('holds' in got)) return again(ASK_AGAIN_MS);
      waitingCallers.delete(holder);
      if (caller.releases) world.after(caller.keepsMs, () => release(cluster, got.holds));
    } catch (error) {
      again(TRY_AGAIN_MS);
      throw error;
    }
  });
}

function release({ apiUser }: SimulatedCluster, holds: readonly LockHold[]): void {
  for (const { name, token } of holds)
    apiUser.ask(`release ${name} with token ${token}`, (db) =>
      releaseHold(db, { tenantId: asId.tenant(TENANT), name, token }),
    );
}
