// Does a PUT make a resource what it says, once, whether it was there or not? For tenants, job types and schedules.
import type { Test } from 'supertest';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import { createTenant, newName, useTenant } from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);
const shown = z.looseObject({ revision: z.int() });

interface Kind {
  folder: () => string;
  content: object;
  other: object;
  /** What is left out. */
  bare: object;
  defaults: object;
  bad: object;
  field: string;
}

const handler = { kind: 'handler', handler: 'noop' };
const KINDS: Readonly<Record<string, Kind>> = {
  tenant: {
    folder: () => '/api/v1/tenants',
    content: { displayName: 'Acme', weight: 3, limits: { maxConcurrent: 7 }, retentionDays: 9 },
    other: { displayName: 'Acme', weight: 4, limits: { maxConcurrent: 7 }, retentionDays: 9 },
    bare: {},
    defaults: { weight: 1, retentionDays: null, allowedHandlers: [], allowedQueues: [], state: 'active' },
    bad: { weight: 0 },
    field: '/weight',
  },
  'job type': {
    folder: () => `${tenant.path}/job-types`,
    content: {
      target: handler,
      timeoutSeconds: 5,
      limits: { maxConcurrent: 7 },
      payloadSchema: { type: 'object' },
      heartbeatSeconds: 2,
      keyDefaults: { order: 'strict' },
    },
    other: { target: { kind: 'pull', leaseSeconds: 60 }, timeoutSeconds: 5 },
    bare: { target: handler },
    defaults: {
      limits: {},
      payloadSchema: null,
      outputSchema: null,
      heartbeatSeconds: null,
      keyDefaults: null,
      locks: [],
      pausedAt: null,
    },
    bad: { target: { kind: 'handler', handler: 'noop' }, payloadSchema: { type: 'nothing' } },
    field: '/payloadSchema/type',
  },
  schedule: {
    folder: () => `${tenant.path}/schedules`,
    content: { spec: { cron: '0 3 * * *' }, jobType: 'noop', priority: 3, timeZone: 'Europe/Berlin' },
    other: { spec: { cron: '0 4 * * *' }, jobType: 'noop', priority: 3, timeZone: 'Europe/Berlin' },
    bare: { spec: { cron: '0 3 * * *' }, jobType: 'noop' },
    defaults: { priority: 0, timeZone: 'UTC', queue: 'default', labels: {} },
    bad: { spec: { cron: '61 * * * *' }, jobType: 'noop' },
    field: '/spec/cron',
  },
};

describe.each(Object.entries(KINDS))('a PUT of a %s', (_, kind) => {
  const put = (name: string, body: object): Test => server.admin.put(`${kind.folder()}/${name}`).send(body);
  const read = async (name: string) =>
    shown.parse((await server.admin.get(`${kind.folder()}/${name}`).expect(200)).body);

  it('creates it, finds it as it is, and changes what differs', async () => {
    const name = newName('put');
    const created = await put(name, kind.content).expect(201);
    expect(created.headers).toMatchObject({ etag: '"1"', location: `${kind.folder()}/${name}` });
    expect(created.body).toMatchObject({ ...kind.content, name, revision: 1 });
    const again = await put(name, { ...kind.content, name }).expect(200);
    expect(again.headers['etag']).toBe('"1"');
    expect(again.body).toEqual(created.body);
    const changed = await put(name, kind.other).expect(200);
    expect(changed.headers['etag']).toBe('"2"');
    expect(changed.body).toMatchObject({ ...kind.other, revision: 2 });
    expect(await read(name)).toEqual(changed.body);
  });

  it('gives its default to what is left out', async () => {
    const name = newName('put');
    await put(name, kind.content).expect(201);
    const { body } = await put(name, kind.bare).expect(200);
    expect(body).toMatchObject({ ...kind.bare, ...kind.defaults, revision: 2 });
    const fresh = newName('put');
    expect((await put(fresh, kind.bare).expect(201)).body).toMatchObject(kind.defaults);
  });

  it('keeps to what If-Match and If-None-Match say', async () => {
    const name = newName('put');
    expectProblem(await put(name, kind.content).set('If-Match', '*'), 'not-found');
    expectProblem(await put(name, kind.content).set('If-Match', '"1"'), 'not-found');
    await put(name, kind.content).set('If-None-Match', '*').expect(201);
    for (const [header, value] of [
      ['If-None-Match', '*'],
      ['If-Match', '"7"'],
    ] as const) {
      const refused = expectProblem(await put(name, kind.other).set(header, value), 'etag-mismatch');
      expect(refused).toMatchObject({ currentRevision: 1 });
    }
    await put(name, kind.other).set('If-Match', '"1"').expect(200);
    expectProblem(await put(name, kind.content).set('If-Match', '"1"'), 'etag-mismatch');
    expect(await read(name)).toMatchObject({ revision: 2 });
    await put(name, kind.content).set('If-Match', '*').expect(200);
    expectProblem(await put(name, kind.content).set('If-None-Match', '"2"'), 'bad-request');
    expectProblem(await put(name, kind.content).set('If-Match', 'W/"2"'), 'bad-request');
  });

  it('refuses bad content, by its field, and changes nothing then', async () => {
    const name = newName('put');
    expect(expectFields(await put(name, kind.bad))).toEqual([kind.field]);
    expectProblem(await server.admin.get(`${kind.folder()}/${name}`), 'not-found');
    await put(name, kind.content).expect(201);
    expect(expectFields(await put(name, kind.bad))).toEqual([kind.field]);
    expect(expectFields(await put(name, { ...kind.content, name: 'another' }))).toEqual(['/name']);
    expect(expectFields(await put(name, { ...kind.content, unheard: 1 }))).toEqual(['/unheard']);
    expect(expectFields(await put('Not-a-name', kind.content))).toHaveLength(1);
    expect(await read(name)).toMatchObject({ revision: 1 });
  });

  it('of many at once creates one, and changes it once', async () => {
    const name = newName('put');
    const answers = await Promise.all(Array.from({ length: 12 }, () => put(name, kind.content)));
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([...Array<number>(11).fill(200), 201]);
    expect(await read(name)).toMatchObject({ revision: 1 });
  });

  it('of many that differ leaves what one of them says, and fails none', async () => {
    const name = newName('put');
    const bodies = Array.from({ length: 12 }, (_unused, index) =>
      index % 2 === 0 ? kind.content : kind.other,
    );
    const answers = await Promise.all(bodies.map((body) => put(name, body)));
    expect(answers.filter(({ status }) => status !== 200 && status !== 201)).toEqual([]);
    const last = await read(name);
    expect(answers.map(({ body }) => shown.parse(body).revision)).toContain(last.revision);
  });
});

it('a PUT leaves a suspension and a pause as they are', async () => {
  const { name, path, api } = await createTenant(server);
  await api.put(`${path}/job-types/held`).send({ target: handler }).expect(201);
  await api.post(`${path}/job-types/held:pause`).send({ reason: 'later' }).expect(200);
  const { body } = await api
    .put(`${path}/job-types/held`)
    .send({ target: handler, timeoutSeconds: 9 })
    .expect(200);
  expect(body).toMatchObject({ pauseReason: 'later', timeoutSeconds: 9 });
  await server.admin.post(`${path}:suspend`).expect(200);
  const suspended = await server.admin.put(`/api/v1/tenants/${name}`).send({ weight: 2 }).expect(200);
  expect(suspended.body).toMatchObject({ state: 'suspended', weight: 2 });
});

it('a tenant may PUT no tenant, neither its own nor another', async () => {
  const other = await createTenant(server);
  expectProblem(await tenant.api.put(tenant.path).send({}), 'forbidden');
  expectProblem(await tenant.api.put(other.path).send({}), 'not-found');
  expectProblem(await tenant.api.put('/api/v1/tenants/not-there').send({}), 'not-found');
});

it('a PUT of a shared job type makes one of the tenant that hides it', async () => {
  const { path, api } = await createTenant(server);
  const { body } = await api.put(`${path}/job-types/echo`).send({ target: handler }).expect(201);
  expect(body).toMatchObject({ shared: false, target: handler, revision: 1 });
});

it('a tenant is not reset by a request that has lost its body', async () => {
  const path = `/api/v1/tenants/${newName('tenant')}`;
  await server.admin.put(path).send({ weight: 7 }).expect(201);
  expectProblem(await server.admin.put(path), 'validation-failed');
  expect((await server.admin.get(path).expect(200)).body).toMatchObject({ weight: 7, revision: 1 });
});
