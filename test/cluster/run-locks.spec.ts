// Does a lock that a run's attempt holds, for its job type or its schedule, pass on when its replica is killed, frozen or
// drained? Two real processes, of which the owner of the tenant meets its fate.
import { beforeEach, expect, it } from 'vitest';
import { ADMIN_KEY } from '../support/replica-fork.js';
import { createTestDatabase } from '../support/test-database.js';
import { startTestReplica, type TestReplica } from '../support/test-replica.js';
import { until } from '../support/until.js';

const TENANT = '/api/v1/tenants/acme';
let databaseUrl: string;
beforeEach(async () => {
  const database = await createTestDatabase();
  databaseUrl = database.url;
  return () => database.drop();
});

interface Run {
  id: string;
  state: string;
  attempt: number;
  replicaName: string | null;
  locks: { name: string; token: number | null }[];
}
interface Hold {
  name: string;
  token: number;
}

const read = (replica: TestReplica, { id }: { id: string }) => replica.api<Run>(`${TENANT}/runs/${id}`);
const tokenOf = ({ locks }: Run): number | null => locks[0]?.token ?? null;
const acquire = (replica: TestReplica, holder: string) =>
  replica.api<Hold>(`${TENANT}/locks/door:acquire`, { holder, waitSeconds: 50, leaseSeconds: 300 });
const release = async ({ url }: TestReplica, { token }: Hold) =>
  fetch(`${url}${TENANT}/locks/door:release`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
const waiters = (replica: TestReplica, count: number) =>
  until(`${count} wait`, async () => {
    const { waiters: waiting } = await replica.api<{ waiters: number }>(`${TENANT}/locks/door`);
    return waiting === count;
  });
const sleeping = (replica: TestReplica, ms: number) =>
  replica.api<Run>(`${TENANT}/runs`, { jobType: 'guarded', payload: { ms } });

/** A run of a schedule that names the door, of a job type that does not. */
async function ofSchedule(replica: TestReplica): Promise<Run> {
  const target = { kind: 'handler', handler: 'sleep' };
  await replica.api(`${TENANT}/job-types`, { name: 'open', target });
  await replica.api(`${TENANT}/schedules`, {
    name: 'yearly',
    spec: { cron: '0 0 1 1 *' },
    jobType: 'open',
    payload: { ms: 30_000 },
    locks: [{ name: 'door' }],
  });
  return replica.api<Run>(`${TENANT}/schedules/yearly:run`, {});
}

/** Two replicas, a run that holds the door, and which of them executes it. */
async function scene(make = (replica: TestReplica) => sleeping(replica, 30_000)) {
  const [one, two] = await Promise.all([
    startTestReplica({ databaseUrl, name: 'one', sideLog: '' }),
    startTestReplica({ databaseUrl, name: 'two', sideLog: '' }),
  ]);
  await until('both are members', async () => {
    const { items } = await one.api<{ items: { state: string; ownedSlots: number }[] }>(
      '/api/v1/cluster/replicas',
    );
    return items.filter(({ state, ownedSlots }) => state === 'active' && ownedSlots > 400).length === 2;
  });
  await one.api('/api/v1/tenants', { name: 'acme', allowedHandlers: ['*'] });
  await one.api(`${TENANT}/job-types`, {
    name: 'guarded',
    target: { kind: 'handler', handler: 'sleep' },
    locks: [{ name: 'door' }],
  });
  const made = await make(one);
  const run = await until('it runs, and is shown', async () => {
    const found = await read(one, made);
    return found.state === 'running' && found.replicaName !== null && found;
  });
  const [owner, survivor] = run.replicaName === 'one' ? [one, two] : [two, one];
  return { owner, survivor, run };
}

it.each([
  ['its job type', 'SIGKILL', undefined],
  ['its job type', 'SIGSTOP', undefined],
  ['its schedule', 'SIGKILL', ofSchedule],
] as const)(
  'a lock that a run holds for %s passes to who waits, with a greater token, when its owner gets %s',
  async (_, signal, make) => {
    const { owner, survivor, run } = await scene(make);
    const first = tokenOf(run) ?? expect.unreachable('expected a token');
    const waiting = acquire(survivor, 'caller');
    await waiters(survivor, 1);
    owner.signal(signal);
    const hold = await waiting;
    expect(hold.token).toBeGreaterThan(first);
    owner.signal('SIGCONT');
    const lost = await until('the run stands in line again', async () => {
      const found = await read(survivor, run);
      return found.locks.length === 1 && found;
    });
    expect(lost).toMatchObject({ attempt: 2, locks: [{ name: 'door', token: null }] });
    await release(survivor, hold);
    const again = await until('its next attempt holds the lock', async () => {
      const found = await read(survivor, run);
      return tokenOf(found) !== null && found;
    });
    expect(again.attempt).toBe(2);
    expect(tokenOf(again)).toBeGreaterThan(hold.token);
  },
);

it('a lane whose run waits keeps its place when its owner drains', async () => {
  const { owner, survivor, run } = await scene();
  const next = await sleeping(survivor, 30_000);
  await waiters(survivor, 1);
  let isServed = false;
  const behind = acquire(survivor, 'behind').finally(() => (isServed = true));
  await waiters(survivor, 2);
  // The handler that sleeps is stopped by the drain, and its run is tried again elsewhere, at the end of the line.
  owner.signal('SIGTERM');
  await owner.exited;
  const lane = async () => Promise.all([read(survivor, run), read(survivor, next)]);
  // The older one has its place in the lane again, if it is back in time.
  const held = await until('a run of the lane holds the lock', async () =>
    (await lane()).find((found) => (tokenOf(found) ?? 0) > (tokenOf(run) ?? Infinity)),
  );
  expect(isServed).toBe(false);
  expect((await lane()).map(({ attempt }) => attempt)).toEqual([2, 1]);
  for (const { id } of [next, run]) await survivor.api(`${TENANT}/runs/${id}:cancel`, {});
  expect((await behind).token).toBeGreaterThan(tokenOf(held) ?? Infinity);
});
