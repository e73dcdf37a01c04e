// Can a job type need locks, and who sees what its runs hold? Over REST, with a worker that pulls, at two replicas.
import { describe, expect, it } from 'vitest';
import { expectProblem } from '../../../support/expect-problem.js';
import { registerWorker } from '../../../support/pull-worker.js';
import { restLocks } from '../../../support/rest-locks.js';
import { useTestServer } from '../../../support/test-server.js';
import { createJobType, createRun, newName, readRun, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const other = useTestServer({ beside: server });
const tenant = useTenant(server);
const locks = restLocks(tenant);

const startRun = async (jobType: string): Promise<string> => (await createRun(tenant, { jobType })).id;

describe('a job type', () => {
  it('shows its locks, and is changed and rid of them', async () => {
    const wish = { name: newName('lock') };
    const made = await createJobType(tenant, { locks: [wish] });
    expect(made.locks).toEqual([{ ...wish, mode: 'exclusive', permits: 1 }]);
    const path = `${tenant.path}/job-types/${made.name}`;
    const { body: same } = await tenant.api
      .patch(path)
      .set('If-Match', '*')
      .send({ timeoutSeconds: 5 })
      .expect(200);
    expect(same).toMatchObject({ locks: made.locks });
    const { body } = await tenant.api.patch(path).set('If-Match', '*').send({ locks: [] }).expect(200);
    expect(body).toMatchObject({ locks: [] });
  });

  it('is refused with locks that can not be had', async () => {
    const [name, gpu] = [newName('type'), newName('gpu')];
    const create = (lock: object[]) =>
      tenant.api
        .post(`${tenant.path}/job-types`)
        .send({ name, target: { kind: 'handler', handler: 'noop' }, locks: lock });
    const none = expectProblem(
      await create([{ name: 'a' }, { name: gpu, mode: 'permits' }]),
      'validation-failed',
    );
    const detail = `expected permits of a semaphore, got those of ${gpu}, which is none`;
    expect(none.errors).toMatchObject([{ pointer: '/locks/1/mode', detail }]);
    await tenant.api.put(locks.path(gpu)).send({ permits: 2 }).expect(201);
    const few = expectProblem(
      await create([{ name: gpu, mode: 'permits', permits: 3 }]),
      'validation-failed',
    );
    expect(few.errors).toMatchObject([
      { pointer: '/locks/0/permits', detail: `expected at most the 2 of ${gpu}, got 3` },
    ]);
    const twice = expectProblem(await create([{ name: 'a' }, { name: 'a' }]), 'validation-failed');
    expect(twice.errors).toMatchObject([{ pointer: '/locks/1/name' }]);
    await create([{ name: gpu, mode: 'permits', permits: 2 }]).expect(201);
  });
});

describe('a run that a worker has taken', () => {
  it('holds its lock, with the token in the lease and the run, until it ends; who waits is next', async () => {
    const name = newName('lock');
    const worker = await registerWorker(tenant, { locks: [{ name }] });
    const id = await startRun(worker.jobType);
    const lease = await worker.take();
    const token = lease.run.locks[name] ?? 0;
    expect(token).toBeGreaterThan(0);
    expect((await readRun(tenant, id)).locks).toEqual([{ name, token }]);
    expect((await locks.read(name)).holds).toMatchObject([{ runId: id, token, expiresAt: null }]);
    const held = expectProblem(await locks.ask(name), 'lock-held');
    expect(held).toMatchObject({ holds: [{ name, expiresAt: null }] });
    await tenant.api
      .post(locks.path(name, ':renew'))
      .send({ token })
      .expect(200, { name, token, expiresAt: null });

    const second = await startRun(worker.jobType);
    await until(
      'the second run stands in line',
      async () => (await readRun(tenant, second)).locks.length > 0,
    );
    expect((await readRun(tenant, second)).locks).toEqual([{ name, token: null }]);
    const next = other
      .as(tenant.key)
      .post(locks.path(name, ':acquire'))
      .send({ holder: newName('next'), waitSeconds: 50 })
      .then(({ body }) => body as { name: string; token: number; expiresAt: string });
    await locks.waiters(name, 2);
    await worker.say(lease, 'complete', { output: null }).expect(200);
    const after = await worker.take();
    expect(after.run).toMatchObject({ id: second, attempt: 1 });
    expect(after.run.locks[name]).toBeGreaterThan(token);
    await worker.say(after, 'complete', { output: null }).expect(200);
    const last = await next;
    expect(last.token).toBeGreaterThan(after.run.locks[name] ?? Infinity);
    await locks.release(last);
    expect((await readRun(tenant, id)).locks).toEqual([]);
  });

  it('holds it still when its lease is offered again, with a token of the new attempt', async () => {
    const name = newName('lock');
    const worker = await registerWorker(tenant, { locks: [{ name }], timeoutSeconds: 3_600 });
    const id = await startRun(worker.jobType);
    const unheard = await worker.take();
    const again = await worker.take({ waitSeconds: 30 });
    expect(again.run).toMatchObject({ id, attempt: 2 });
    expect(again.run.locks[name]).toBeGreaterThan(unheard.run.locks[name] ?? Infinity);
    expect((await locks.read(name)).holds).toMatchObject([
      { runId: id, token: again.run.locks[name], holder: `run ${id}/2` },
    ]);
    await worker.say(again, 'complete', { output: null }).expect(200);
    expect((await locks.read(name)).isHeld).toBe(false);
  });
});

it('a lock that is ended by force is free for others, and its run goes on', async () => {
  const name = newName('lock');
  const worker = await registerWorker(tenant, { locks: [{ name }] });
  const id = await startRun(worker.jobType);
  const lease = await worker.take();
  const { body } = await tenant.api.post(locks.path(name, ':forceRelease')).send({}).expect(200);
  expect(body).toMatchObject({ ended: [{ runId: id, expiresAt: null }] });
  expect((await readRun(tenant, id)).locks).toEqual([]);
  const mine = await locks.acquire(name);
  await worker.say(lease, 'complete', { output: null }).expect(200);
  expect((await locks.read(name)).holds).toMatchObject([{ token: mine.token, runId: null }]);
});

it('a run whose job type is deleted while it waits for a lock does not run without', async () => {
  const name = newName('lock');
  const jobType = (await createJobType(tenant, { locks: [{ name }] })).name;
  // Its owner remembers the job type from now on.
  const before = await startRun(jobType);
  await until('one has run', async () => (await readRun(tenant, before)).state === 'succeeded');
  const mine = await locks.acquire(name, { leaseSeconds: 600, waitSeconds: 10 });
  const id = await startRun(jobType);
  await locks.waiters(name, 1);
  await tenant.api.delete(`${tenant.path}/job-types/${jobType}`).set('If-Match', '*').expect(204);
  const run = await until('it was tried', async () => {
    const now = await readRun(tenant, id);
    return (now.state === 'succeeded' || now.pastAttempts.length > 0) && now;
  });
  expect(run.pastAttempts).toMatchObject([{ outcome: 'failed', error: { name: 'JobTypeMissing' } }]);
  await locks.release(mine);
});

it('a run whose job type names another lock while it waits leaves no place behind', async () => {
  const [former, present] = [newName('lock'), newName('lock')];
  const jobType = (await createJobType(tenant, { locks: [{ name: former }] })).name;
  const mine = await locks.acquire(former, { leaseSeconds: 600 });
  const id = await startRun(jobType);
  await locks.waiters(former, 1);
  await tenant.api
    .patch(`${tenant.path}/job-types/${jobType}`)
    .set('If-Match', '*')
    .send({ locks: [{ name: present }] })
    .expect(200);
  await until('it has run', async () => (await readRun(tenant, id)).state === 'succeeded');
  expect((await locks.read(former)).waiters).toBe(0);
  await locks.release(mine);
});
