// How does a replica leave without a loss? It stops claiming and leading, gives back runs that it has not started,
// hands its slots over, and lets running attempts finish. An attempt that still runs when the time is up is aborted,
// recorded as lost, so that it is tried again. Only then does the replica leave the cluster and close its connections.
import { listReplicas } from '#cluster/membership/replica-listing.repository.js';
import type { Incarnation } from '#cluster/membership/membership.js';
import { AttemptStopped } from '#execution/runs/attempt-stopped.js';
import type { LoopTimers } from '../loop-timers.js';
import type { Replica } from './replica.js';

const LOOK_MS = 25;
/** A replica with a heartbeat this recent can be trusted to take slots over. */
const SURELY_ALIVE_MS = 2_500;
/** How long the last writes may take when the database is slow or gone. */
const GOODBYE_MS = 3_000;

/** The parts of a replica that must come to rest, and that report whether they have. */
type DrainedParts = Pick<
  Replica,
  | 'claim'
  | 'membership'
  | 'ownership'
  | 'held'
  | 'running'
  | 'settleLoop'
  | 'runLogLoop'
  | 'queues'
  | 'outlet'
>;

export interface DrainOptions {
  replica: DrainedParts;
  timers: LoopTimers;
  drainMs: number;
  monotonicMs: () => number;
  onError: (error: unknown) => void;
}

export async function drain(options: DrainOptions): Promise<void> {
  const { replica, timers, drainMs, monotonicMs } = options;
  const deadlineMs = monotonicMs() + drainMs;
  await until(options, deadlineMs, () => announced(replica, timers));
  await until(options, deadlineMs, () => handedOver(replica, timers));
  await until(options, deadlineMs, async () => replica.held.running === 0);
  replica.running.stopAll(new AttemptStopped('shutdown', 'this replica is shutting down'));
  await until(
    options,
    monotonicMs() + GOODBYE_MS,
    async () =>
      replica.claim.door.entering.size === 0 &&
      replica.held.size === 0 &&
      replica.settleLoop.isEmpty &&
      replica.runLogLoop.isIdle,
  );
  timers.stop();
  await replica.queues.stop();
  await replica.membership.leave();
  replica.outlet.destroy();
}

async function announced(replica: DrainedParts, timers: LoopTimers): Promise<boolean> {
  await replica.membership.drain();
  timers.wake(replica.settleLoop);
  return true;
}

/** Slots go only while another replica is there to take them; the last one just leaves them. */
async function handedOver(replica: DrainedParts, timers: LoopTimers): Promise<boolean> {
  const { incarnation } = replica.membership;
  if (incarnation === null) return true;
  const owned = await replica.ownership.ownedSlots(incarnation);
  if (owned === 0 || !(await hasSuccessor(incarnation))) return true;
  timers.wake(replica.ownership);
  return false;
}

async function hasSuccessor({ db, replica }: Incarnation): Promise<boolean> {
  const replicas = await listReplicas(db, { ended: 0 });
  // A replica that was just killed is 'active' until a leader declares it dead; waiting for it would be in vain.
  const others = replicas.filter(
    (other) => other.number !== replica && other.state === 'active' && other.beatAgeMs < SURELY_ALIVE_MS,
  );
  return (
    others.some((other) => other.roles.includes('worker')) &&
    others.some((other) => other.roles.includes('scheduler'))
  );
}

/**
 * Asks at least once. An error passes, and the next answer may be another: handlers that are under way are not stopped
 * for it. When GOODBYE_MS brought errors alone, there is no database to wait for; the other replicas will take over what
 * is left.
 */
async function until(
  { timers, monotonicMs, onError }: DrainOptions,
  deadlineMs: number,
  holds: () => Promise<boolean>,
): Promise<void> {
  let failsAtMs = Number.POSITIVE_INFINITY;
  do {
    try {
      if (await holds()) return;
      failsAtMs = Number.POSITIVE_INFINITY;
    } catch (error) {
      if (failsAtMs === Number.POSITIVE_INFINITY) {
        onError(error);
        failsAtMs = monotonicMs() + GOODBYE_MS;
      }
    }
    await timers.rest('drain', LOOK_MS);
  } while (monotonicMs() < Math.min(deadlineMs, failsAtMs));
}
