// Which moment shows that something limited, or something outside of the replicas, is not watched over? Each plot fills
// limits and lets the slot change hands, or lets a worker go silent, with workers, endpoint and queue as in a run of
// chaos. With the product as it is, each of them ends well.
import { setTimeout as rest } from 'node:timers/promises';
import { until } from '../../support/until.js';
import { AT_ONCE } from '../faults.js';
import { wishInOrder } from '../limited/in-order.js';
import { WORKERS } from '../limited/outside-workers.js';
import { PAUSED_QUEUE } from '../limited/tenants.js';
import { wishUnderLocks } from '../limited/under-locks.js';
import type { Harness } from '../harness.js';
import type { Wish } from '../wish.js';
import { actors, fault, type Actor, type Plot } from './plot.js';

const TENANT = 'strict-types';
const AFTERMATH_MS = 9_000;

/** More than may run at once or start at once, while the slot is handed over. */
export const limitedUnderWay: Plot = async (harness) => {
  const owner = await ownerOf(harness);
  const { leader, follower } = await actors(harness);
  const operator = owner.seat === leader.seat ? follower : leader;
  const order = (what: string) =>
    harness.cluster.call(operator.seat, `/api/v1/cluster/replicas/${owner.number}:${what}`, {});
  await ask(harness, owner, { jobType: 'committed', ms: 3_000, count: 6 });
  await ask(harness, owner, { jobType: 'pulled', ms: 3_000, count: 6 });
  await rest(700);
  const drained = await fault('drain', owner, {
    led: owner.seat === leader.seat,
    kind: { limits: { ...AT_ONCE, slotsMs: 5_000 } },
    act: async () => {
      await order('drain');
      await rest(5_000);
      await order('undrain');
    },
  });
  await rest(AFTERMATH_MS);
  return [drained];
};

/** Many at once of what has a rate, and of what goes into the user's queue. */
export const handedOutAtOnce: Plot = async (harness) => {
  const owner = await ownerOf(harness);
  await ask(harness, owner, { jobType: 'metered', ms: 100, count: 8 });
  await ask(harness, owner, { jobType: 'handed-over', ms: 0, count: 3 });
  await rest(AFTERMATH_MS);
  return [];
};

/** Runs of keys with a strict order, of which some fail at first and are tried again. */
export const triedAgainInOrder: Plot = async ({ poster, cluster }) => {
  for (const seat of cluster.seats)
    for (const isRefused of [true, false, false])
      await poster.post(seat, wishInOrder('pushed', { ms: 100, isRefused }));
  await rest(AFTERMATH_MS);
  return [];
};

/** Many at once of what needs one lock. */
export const manyUnderLocks: Plot = async ({ poster, cluster }) => {
  for (const seat of cluster.seats)
    for (const jobType of ['committed', 'pushed', 'seated'])
      await poster.post(seat, wishUnderLocks(jobType, 800));
  await rest(AFTERMATH_MS);
  return [];
};

/** Work comes for a queue that has been paused for a while. */
export const pausedQueue: Plot = async (harness) => {
  const owner = await ownerOf(harness);
  const paused = harness.steering.standstill(
    { tenant: TENANT, queue: PAUSED_QUEUE },
    new AbortController().signal,
  );
  await rest(3_500);
  await ask(harness, owner, { jobType: 'committed', ms: 100, count: 4, queue: PAUSED_QUEUE });
  await paused;
  await rest(AFTERMATH_MS);
  return [];
};

/** A worker takes a run without ever saying so, and ends it when another one has it. */
export const silentWorker: Plot = async (harness) => {
  const { witness, workers } = harness;
  const owner = await ownerOf(harness);
  const tell = (state: string) =>
    witness.ask(`update carillon.worker set state = $1 where name like 'pulls-%'`, [state]);
  const untilLeaseIs = (state: string) =>
    until(
      `the run is ${state}`,
      async () => (await witness.ask('select 1 from carillon.lease where state = $1', [state])).length > 0,
    );
  await until('the workers are there', async () => {
    const { count } = await witness.askOne<{ count: number }>(
      `select count(*)::int as count from carillon.worker where name like 'pulls-%'`,
    );
    return count === WORKERS;
  });
  await tell('quiet');
  await ask(harness, owner, { jobType: 'pulled', ms: 6_000, count: 1 });
  await untilLeaseIs('offered');
  const straying = workers.stray(TENANT, { beats: false, ms: 12_500 });
  await untilLeaseIs('taken');
  await tell('run');
  if ((await straying) === null) throw new Error('expected the stray worker to take the run, got none');
  await rest(AFTERMATH_MS);
  return [];
};

/** Of the tenant's slot. */
async function ownerOf({ cluster, witness }: Harness): Promise<Actor> {
  const { number, name } = await witness.askOne<{ number: number; name: string }>(
    `select r.number, r.name from carillon.tenant t join carillon.slot_owner o using (slot) join carillon.replica r on r.number = o.owner
      where t.name = $1`,
    [TENANT],
  );
  const seat = cluster.seats.find((each) => each.name === name);
  if (seat === undefined) throw new Error(`expected replica ${number} to have a seat, got none`);
  return { seat, number };
}

async function ask(
  { poster }: Harness,
  { seat }: Actor,
  { ms, count, ...rest }: { jobType: string; ms: number; count: number; queue?: string },
): Promise<void> {
  const wish: Wish = { ...rest, payload: { ms }, expected: 'succeeded' };
  await poster.postBatch(seat, { tenant: TENANT, wishes: Array.from({ length: count }, () => wish) });
}
