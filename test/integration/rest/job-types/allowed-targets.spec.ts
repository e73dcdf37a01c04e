// Does a tenant's job type reach only those queues and handlers that an administrator has allowed the tenant, when it is
// made, when it is changed, and when a run of it is delivered?
import { PgBoss } from 'pg-boss';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import { createJobType, createKey, finish, newName, type TestTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

let tenant: TestTenant;
const server = useTestServer({ env: { CARILLON_QUEUE_SCHEMA: 'users_own' } });

/** As an administrator makes one without another word. */
beforeEach(async () => {
  const name = newName('bare');
  await server.admin.post('/api/v1/tenants').send({ name }).expect(201);
  const path = `/api/v1/tenants/${name}`;
  const { id: keyId, key } = await createKey(server.admin, path);
  tenant = { name, keyId, key, path, api: server.as(key) };
});

const toHandler = (handler: string): object => ({
  name: newName('job'),
  target: { kind: 'handler', handler },
});
const toQueue = (queue: string): object => ({ name: newName('job'), target: { kind: 'queue', queue } });
const create = (body: object, api = tenant.api) => api.post(`${tenant.path}/job-types`).send(body);
const allow = (lists: object) => server.admin.patch(tenant.path).set('If-Match', '*').send(lists).expect(200);

describe('a new tenant', () => {
  it('may name no handler and no queue, and is told who decides', async () => {
    const handler = expectProblem(await create(toHandler('noop')), 'validation-failed');
    expect(handler.detail).toContain(
      'an administrator has allowed the tenant (its allowedHandlers: none so far)',
    );
    expect(expectFields(await create(toHandler('nobody.has-it')))).toEqual(['/target/handler']);
    const queue = expectProblem(await create(toQueue('mail')), 'validation-failed');
    expect(queue.detail).toContain('its allowedQueues: none so far');
    // Not even an administrator by the way: every caller can see the list.
    expect(expectFields(await create(toQueue('mail'), server.admin))).toEqual(['/target/queue']);
  });

  it('can use what the replicas registered for all, endpoints and workers', async () => {
    expect(await finish(tenant, { jobType: 'noop' })).toMatchObject({ state: 'succeeded' });
    await createJobType(tenant, { target: { kind: 'http', url: 'https://example.com/hook' } });
    await createJobType(tenant, { target: { kind: 'pull' } });
  });

  it('learns nothing about which queues there are', async () => {
    const boss = await startBoss('payroll');
    const [there, missing] = [await create(toQueue('payroll')), await create(toQueue('missing'))];
    const textOf = (answer: typeof there): string =>
      expectProblem(answer, 'validation-failed').detail.replace(/payroll|missing/, '');
    expect(textOf(there)).toBe(textOf(missing));
    expect(await boss.fetch('payroll')).toEqual([]);
  });
});

describe('the lists', () => {
  it('are shown with the tenant and set by an administrator alone', async () => {
    const lists = { allowedQueues: ['mail'], allowedHandlers: ['echo', '*'] };
    expect((await allow(lists)).body).toMatchObject(lists);
    expect((await tenant.api.get(tenant.path).expect(200)).body).toMatchObject(lists);
    const own = await tenant.api
      .patch(tenant.path)
      .set('If-Match', '*')
      .send({ allowedQueues: ['*'] });
    expectProblem(own, 'forbidden');
    const name = newName('listed');
    const { body } = await server.admin
      .post('/api/v1/tenants')
      .send({ name, ...lists })
      .expect(201);
    expect(body).toMatchObject(lists);
  });

  it.each([
    [{ allowedQueues: ['carillon-partitions'] }, ['/allowedQueues/0']],
    [{ allowedQueues: 'mail' }, ['/allowedQueues']],
    [{ allowedQueues: null }, ['/allowedQueues']],
    [{ allowedHandlers: ['noop', 'A b'] }, ['/allowedHandlers/1']],
    [{ allowedHandlers: Array<string>(1_001).fill('x') }, ['/allowedHandlers']],
  ])('hold names: %j', async (lists, fields) => {
    const answer = await server.admin.patch(tenant.path).set('If-Match', '*').send(lists);
    expect(expectFields(answer)).toEqual(fields);
  });

  it('decide when a job type is changed, too', async () => {
    await allow({ allowedHandlers: ['echo'] });
    const { name } = await createJobType(tenant, { target: { kind: 'handler', handler: 'echo' } });
    const path = `${tenant.path}/job-types/${name}`;
    const change = (target: object) => tenant.api.patch(path).set('If-Match', '*').send({ target });
    expect(expectFields(await change({ kind: 'handler', handler: 'fail' }))).toEqual(['/target/handler']);
    expect(expectFields(await change({ kind: 'queue', queue: 'mail' }))).toEqual(['/target/queue']);
    await change({ kind: 'handler', handler: 'echo' }).expect(200);
  });
});

describe('a list that is shortened', () => {
  it('holds for job types that were made before', async () => {
    const boss = await startBoss('mail');
    await allow({ allowedQueues: ['mail'], allowedHandlers: ['echo'] });
    const handled = await createJobType(tenant, { target: { kind: 'handler', handler: 'echo' } });
    const queued = await createJobType(tenant, { target: { kind: 'queue', queue: 'mail' } });
    for (const { name, targetAllowed } of [handled, queued]) {
      expect(targetAllowed).toBe(true);
      expect(await finish(tenant, { jobType: name })).toMatchObject({ state: 'succeeded' });
    }
    expect(await boss.fetch('mail', { batchSize: 10 })).toHaveLength(1);

    await allow({ allowedQueues: [], allowedHandlers: [] });
    for (const { name } of [handled, queued]) {
      const { body } = await tenant.api.get(`${tenant.path}/job-types/${name}`).expect(200);
      expect(body).toMatchObject({ targetAllowed: false });
      const refused = await until('the change has reached the owner', async () => {
        const run = await finish(tenant, { jobType: name });
        return run.state === 'succeeded' ? null : run;
      });
      expect(refused).toMatchObject({
        state: 'failed',
        attempt: 1,
        error: { name: 'TargetNotAllowed', message: expect.stringContaining('an administrator') as string },
      });
    }
  });
});

/** The user's own pg-boss; installed once for all tests. */
async function startBoss(queue: string): Promise<PgBoss> {
  const { databaseUrl: connectionString } = server;
  const boss = new PgBoss({
    connectionString,
    schema: 'users_own',
    max: 2,
    supervise: false,
    schedule: false,
  });
  boss.on('error', () => undefined);
  await boss.start();
  onTestFinished(() => boss.stop({ graceful: false }));
  await boss.createQueue(queue);
  return boss;
}
