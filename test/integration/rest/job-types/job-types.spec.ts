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
        'expected a job type of the tenant, got "noop", which the replicas share with all tenants; to hold its runs back, give them a queue of their own and pause it',
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

it('a job type with the field names of an earlier version is refused with the names of now', async () => {
  const old = { timeoutMs: 5, heartbeatMs: 5 };
  const create = (wish: object) =>
    tenant.api
      .post(`${tenant.path}/job-types`)
      .send({ name: newName('old'), target: { kind: 'pull' }, ...wish });
  const told = async (wish: object) => expectProblem(await create(wish), 'validation-failed').errors;
  expect(await told(old)).toEqual([
    { pointer: '/timeoutMs', detail: 'expected no such field; it is called timeoutSeconds, got 5' },
    { pointer: '/heartbeatMs', detail: 'expected no such field; it is called heartbeatSeconds, got 5' },
  ]);
  expect(await told({ retry: { kind: 'fixed', minMs: 1 } })).toEqual([
    { pointer: '/retry/kind', detail: 'expected no such field; it is called backoff, got "fixed"' },
    { pointer: '/retry/minMs', detail: 'expected no such field; it is called minSeconds, got 1' },
  ]);
});

describe('a job type is refused', () => {
  it.each([
    ['without a target', { target: undefined }, ['/target']],
    ['with a target that is text', { target: 'https://example.com' }, ['/target']],
    ['with a target of an unknown kind', { target: { kind: 'carrier-pigeon' } }, ['/target/kind']],
    ['with a queue of ours', { target: { kind: 'queue', queue: 'carillon-partitions' } }, ['/target/queue']],
    ['with a queue that can not be', { target: { kind: 'queue', queue: 'a b' } }, ['/target/queue']],
    ['with a target of no kind', { target: { url: 'https://example.com' } }, ['/target/kind']],
    ['with a handler that has no name', { target: { kind: 'handler' } }, ['/target/handler']],
    [
      'with a handler that has an impossible name',
      { target: { kind: 'handler', handler: 'A b' } },
      ['/target/handler'],
    ],
    [
      'with a URL for a handler',
      { target: { kind: 'handler', handler: 'noop', url: 'https://example.com' } },
      ['/target/url'],
    ],
    ['with a name in upper case', { name: 'Push' }, ['/name']],
    ['with a name with a colon', { name: 'push:it' }, ['/name']],
    ['with no attempts', { retry: { maxAttempts: 0 } }, ['/retry/maxAttempts']],
    ['with 101 attempts', { retry: { maxAttempts: 101 } }, ['/retry/maxAttempts']],
    ['with half an attempt', { retry: { maxAttempts: 1.5 } }, ['/retry/maxAttempts']],
    ['with an unknown back-off', { retry: { backoff: 'random' } }, ['/retry/backoff']],
    ['with a negative delay', { retry: { minSeconds: -1 } }, ['/retry/minSeconds']],
    [
      'with a delay that no timestamp can hold',
      { retry: { minSeconds: 9e15, maxSeconds: 9e15 } },
      ['/retry/minSeconds', '/retry/maxSeconds'],
    ],
    ['with more jitter than there is', { retry: { jitter: 1.1 } }, ['/retry/jitter']],
    ['with an unknown field of the retries', { retry: { forever: true } }, ['/retry/forever']],
    ['with no time', { timeoutSeconds: 0 }, ['/timeoutSeconds']],
    ['with more than a day', { timeoutSeconds: 86_400.001 }, ['/timeoutSeconds']],
    ['with a timeout that is text', { timeoutSeconds: '5' }, ['/timeoutSeconds']],
    ['with a payload schema that is none', { payloadSchema: { type: 'objekt' } }, ['/payloadSchema/type']],
    ['with an output schema that is none', { outputSchema: { minimum: 'a' } }, ['/outputSchema/minimum']],
    [
      'with a schema of another draft',
      { payloadSchema: { $schema: 'http://json-schema.org/draft-07/schema#' } },
      ['/payloadSchema'],
    ],
    [
      'with a schema that refers elsewhere',
      { payloadSchema: { $ref: 'https://example.com/x' } },
      ['/payloadSchema'],
    ],
    ['with a pattern that is none', { payloadSchema: { pattern: '(' } }, ['/payloadSchema']],
    [
      'with a schema that is too large',
      { payloadSchema: { enum: ['x'.repeat(65_536)] } },
      ['/payloadSchema'],
    ],
    ['with a schema that is text', { payloadSchema: 'object' }, ['/payloadSchema']],
    ['with an unknown field', { queue: 'mail' }, ['/queue']],
  ])('%s', async (_, wish, fields) => {
    expect(expectFields(await create({ ...http(), ...wish }))).toEqual(fields);
  });

  it.each([
    ['ftp://example.com/'],
    ['file:///etc/passwd'],
    ['javascript:alert(1)'],
    ['example.com'],
    ['//example.com'],
    ['http://'],
    [''],
    ['https://example.com/\0'],
    ['https://user:geheim@example.com/'],
    ['https://example.com/a\tb'],
    ['https://exam\nple.com/'],
    ['https://example.com\\@127.0.0.1/'],
    ['https://example.com/#part'],
    [`https://example.com/${'x'.repeat(2_000)}`],
    [5],
    [null],
  ])('with the URL %j', async (url) => {
    const refused = await create(http({ url }));
    expect(expectFields(refused)).toEqual(['/target/url']);
    expect(JSON.stringify(refused.body)).not.toContain('geheim');
    const { name } = await createJobType(tenant);
    const patch = tenant.api.patch(`${tenant.path}/job-types/${name}`).set('If-Match', '*');
    expect(expectFields(await patch.send({ target: http({ url }).target }))).toEqual(['/target/url']);
  });

  it.each([
    ['a name with a blank', { 'a b': 'x' }, '/a b'],
    ['a name with a colon', { 'a:b': 'x' }, '/a:b'],
    ['no name', { '': 'x' }, '/'],
    ['a line break in the value', { 'x-a': 'b\r\nevil: yes' }, '/x-a'],
    ['a NUL character in the value', { 'x-a': 'b\0c' }, '/x-a'],
    ['a value beyond Latin-1', { 'x-a': '株' }, '/x-a'],
    ['a value that is too long', { 'x-a': 'x'.repeat(2_001) }, '/x-a'],
    ['a value that is a number', { 'x-a': 5 }, '/x-a'],
    ['the id that receivers rely on', { 'Webhook-Id': 'mine' }, '/Webhook-Id'],
    ['a length of its own', { 'content-length': '5' }, '/content-length'],
    ['another host', { Host: 'intern.example' }, '/Host'],
  ])('with a header that has %s', async (_, headers, place) => {
    expect(expectFields(await create(http({ headers })))).toEqual([`/target/headers${place}`]);
  });

  it('with more headers than a request should have', async () => {
    const headers = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`x-${index}`, 'x']));
    expect(expectFields(await create(http({ headers })))).toEqual(['/target/headers']);
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
