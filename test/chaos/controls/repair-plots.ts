// Which moment shows that a repair is missing, or comes too late? Each plot breaks something that the cluster must get over
// by itself: a leader that sleeps, a lease that runs out under a running attempt, a database that recovers from a crash,
// a connection that is forgotten on its way. With the product as it is, each of them ends well.
import { setTimeout as rest } from 'node:timers/promises';
import { until } from '../../support/until.js';
import { proxyOf } from '../cluster.js';
import { AFTER_SILENCE } from '../faults.js';
import type { Harness } from '../harness.js';
import { actors, DEADLY, fault, runUnderWay, type Actor, type Plot } from './plot.js';
import { endControlSession } from './plots.js';

const AFTERMATH_MS = 7_000;
const LIMITS = { limits: AFTER_SILENCE };

/** Its control session ends while it sleeps, and with it the leader lock; the sessions of its pool stay. */
export const frozenLeader: Plot = async (harness) => {
  const { leader } = await actors(harness);
  const frozen = await fault('freeze-7s', leader, {
    led: true,
    kind: DEADLY,
    act: async () => {
      const sleeping = sleep(leader, 7_000);
      await rest(3_000);
      await endControlSession(harness, leader);
      await sleeping;
    },
  });
  await rest(AFTERMATH_MS);
  return [frozen];
};

/** Longer than a follower trusts itself, shorter than the others wait: it wakes with an attempt that it must stop. */
export const leaseUnsureUnderWay: Plot = async (harness) => {
  const { follower } = await actors(harness);
  await runUnderWay(harness, follower, { jobType: 'call', ms: 9_000 });
  await untilNextBeat(harness, follower);
  const frozen = await fault('freeze-4.5s', follower, { kind: LIMITS, act: () => sleep(follower, 4_500) });
  await rest(AFTERMATH_MS + 9_000);
  return [frozen];
};

async function sleep({ seat }: Actor, ms: number): Promise<void> {
  seat.process?.child.kill('SIGSTOP');
  await rest(ms);
  seat.process?.child.kill('SIGCONT');
}

async function untilNextBeat({ witness }: Harness, { number }: Actor): Promise<void> {
  const look = async (): Promise<number> =>
    (
      await witness.askOne<{ beat: number }>('select beat::int from carillon.heartbeat where replica = $1', [
        number,
      ])
    ).beat;
  const before = await look();
  await until('it beats', async () => (await look()) > before);
}

/** A follower is late to come back, so that the next leader sees neither a lock nor a session of it. */
export const databaseCrashes: Plot = async (harness) => {
  const { witness } = harness;
  const { follower } = await actors(harness);
  const crashed = await fault('backend-killed', follower, {
    kind: LIMITS,
    act: async () => {
      await proxyOf(follower.seat).weather({ kind: 'blackhole' });
      const { pid } = await witness.askOne<{ pid: number }>('select pg_backend_pid() as pid');
      process.kill(pid, 'SIGKILL');
      await rest(50);
      await witness.ask('select 1'); // it has recovered
      await rest(1_800);
      await proxyOf(follower.seat).weather({ kind: 'normal' });
    },
  });
  await rest(AFTERMATH_MS);
  return [crashed];
};

/** The replica is not told that its control session is no more. */
export const sessionForgotten: Plot = async (harness) => {
  const { follower } = await actors(harness);
  const forgotten = await fault('connections-forgotten', follower, {
    kind: LIMITS,
    act: async () => {
      await proxyOf(follower.seat).order({ kind: 'forget', channels: ['session'] });
      await rest(1_000);
    },
  });
  await rest(AFTERMATH_MS);
  return [forgotten];
};
