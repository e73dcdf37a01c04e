// What can a tenant do with job types, its own and those that the replicas brought?
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jobType } from '#server/http/job-types/job-type.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  createTenant,
  finish,
  finishedRun,
  newName,
  readRun,
  secondsFromNow,
  useTenant,
  type JobType,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const create = (body: object) => tenant.api.post(`${tenant.path}/job-types`).send(body);
const http = (more: object = {}) => ({
  name: newName('push'),
  target: { kind: 'http', url: 'https://example.com/hook', ...more },
});

async function read(name: string, of = tenant): Promise<JobType> {
  return jobType.parse((await of.api.get(`${of.path}/job-types/${name}`).expect(200)).body);
}

describe("the replicas' job types", () => {
  it('are there for every tenant, by name, with the schema of their payload', async () => {
    const { body } = await tenant.api.get(`${tenant.path}/job-types`).expect(200);
    const { items } = z.object({ items: z.array(jobType) }).parse(body);
    const shared = items.filter((item) => item.shared);
    const names = shared.map(({ name }) => name);
    expect(names).toEqual(names.toSorted());
    expect(names).toEqual(expect.arrayContaining(['echo', 'fail', 'noop', 'record', 'sleep']));
    expect(shared.find(({ name }) => name === 'sleep')?.payloadSchema).toMatchObject({ required: ['ms'] });
  });

  it("can't be deleted", async () => {
    expectProblem(await tenant.api.delete(`${tenant.path}/job-types/echo`).set('If-Match', '*'), 'not-found');
    expect(await read('echo')).toMatchObject({ shared: true });
  });

  it("are hidden by a tenant's own of the same name, until that is deleted", async () => {
    const mine = await createTenant(server);
    await createJobType(mine, { name: 'echo', target: { kind: 'handler', handler: 'fail' } });
    expect(await read('echo', mine)).toMatchObject({ shared: false, target: { handler: 'fail' } });
    expect(await read('echo')).toMatchObject({ shared: true });
    expect(await finish(mine, { jobType: 'echo' })).toMatchObject({ state: 'dead-lettered' });
    await mine.api.delete(`${mine.path}/job-types/echo`).set('If-Match', '*').expect(204);
    expect(await read('echo', mine)).toMatchObject({ shared: true });
  });

  it('appear once in the list of a tenant that has its own of the same name', async () => {
    const mine = await createTenant(server);
    await createJobType(mine, { name: 'noop' });
    const { body } = await mine.api.get(`${mine.path}/job-types`).expect(200);
    const { items } = z.object({ items: z.array(jobType) }).parse(body);
    const names = items.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(items.filter(({ shared }) => !shared).map(({ name }) => name)).toEqual(['noop']);
  });
});

describe("a tenant's own job type", () => {
  it('is retried and timed as usual when nothing else is said', async () => {
    const { body } = await create(http()).expect(201);
    expect(body).toMatchObject({
      shared: false,
      target: { kind: 'http', url: 'https://example.com/hook', headers: {} },
      retry: { maxAttempts: 5, backoff: 'exponential', minSeconds: 1, maxSeconds: 600, jitter: 0.2 },
      timeoutSeconds: 60,
      payloadSchema: null,
      revision: 1,
    });
    expect(await read(jobType.parse(body).name)).toEqual(body);
  });

  it('keeps what is said, and the rest as usual', async () => {
    const { name } = await createJobType(tenant, {
      retry: { maxAttempts: 2, jitter: 0 },
      timeoutSeconds: 0.005,
    });
    expect(await read(name)).toMatchObject({
      retry: { maxAttempts: 2, backoff: 'exponential', minSeconds: 1, jitter: 0 },
      timeoutSeconds: 0.005,
    });
  });

  it('is the only kind that the tenant pauses: a shared one is named as such, with what to do instead', async () => {
    const path = `${tenant.path}/job-types/noop`;
    for (const asked of [
      tenant.api.post(`${path}:pause`),
      tenant.api.post(`${path}:resume`),
      tenant.api.delete(path).set('If-Match', '*'),
    ])
      expect(expectProblem(await asked, 'not-found').detail).toBe(
        'expected a job type of the tenant, got "noop", which the replicas share with all tenants; to limit its runs, make a job type of your own whose target names the same handler; to hold them back, give them a queue of their own and pause it',
      );
  });

  it('is refused under a name that is taken, and the field is named', async () => {
    const { name } = await createJobType(tenant);
    const taken = expectProblem(await create({ ...http(), name }), 'already-exists');
    expect(taken.errors).toEqual([
      { pointer: '/name', detail: `expected a new name, got "${name}", which is taken` },
    ]);
  });

  it('is gone once it is deleted', async () => {
    const { name } = await createJobType(tenant);
    await tenant.api.delete(`${tenant.path}/job-types/${name}`).set('If-Match', '*').expect(204);
    expectProblem(await tenant.api.get(`${tenant.path}/job-types/${name}`), 'not-found');
    expectProblem(
      await tenant.api.delete(`${tenant.path}/job-types/${name}`).set('If-Match', '*'),
      'not-found',
    );
    expect(expectFields(await tenant.api.post(`${tenant.path}/runs`).send({ jobType: name }))).toEqual([
      '/jobType',
    ]);
  });

  it('leaves runs that fail when it is deleted before they start', async () => {
    const { name } = await createJobType(tenant);
    const run = await createRun(tenant, { jobType: name, runAt: secondsFromNow(1) });
    await tenant.api.delete(`${tenant.path}/job-types/${name}`).set('If-Match', '*').expect(204);
    // A missing job type may come back, so the run is tried again; the first attempt tells.
    const failed = await until(
      'an attempt has failed',
      async () => (await readRun(tenant, run.id)).pastAttempts[0],
    );
    expect(failed).toMatchObject({ outcome: 'failed', error: { name: 'JobTypeMissing' } });
  });

  it('has a name of its own', async () => {
    const { name } = await createJobType(tenant);
    expect(expectProblem(await create({ ...http(), name }), 'already-exists').detail).toContain(name);
  });

  it('times an attempt out, and tells so', async () => {
    const { name } = await createJobType(tenant, {
      target: { kind: 'handler', handler: 'sleep' },
      timeoutSeconds: 0.05,
    });
    const run = await finish(tenant, { jobType: name, payload: { ms: 60_000 } });
    expect(run).toMatchObject({ state: 'dead-lettered', attempt: 1, error: { name: 'AttemptStopped' } });
  });

  it('may name a handler that no replica has; its runs say so', async () => {
    const { name } = await createJobType(tenant, { target: { kind: 'handler', handler: 'nobody.has-it' } });
    expect(await finish(tenant, { jobType: name })).toMatchObject({
      state: 'dead-lettered',
      error: { name: 'HandlerMissing' },
    });
  });
});

it('a payload that does not fit the handler is refused for a job type of the tenant that names the handler, too', async () => {
  const { name } = await createJobType(tenant, { target: { kind: 'handler', handler: 'sleep' } });
  const response = await tenant.api
    .post(`${tenant.path}/runs`)
    .send({ jobType: name, payload: { ms: 'long' } });
  expect(expectFields(response)).toEqual(['/payload/ms']);
  const { id } = await createRun(tenant, { jobType: name, payload: { ms: 1 } });
  expect(await finishedRun(tenant, { id })).toMatchObject({ state: 'succeeded', output: { sleptMs: 1 } });
});
