// Is the answer to a new run true, although the run is not read back? And is what it is checked against what holds now?
import { describe, expect, it } from 'vitest';
import { findTenantAndJob } from '#server/http/access/tenant-and-job.repository.js';
import { findTenant } from '#tenancy/tenant.repository.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { openClient, openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createKey,
  createTenant,
  finish,
  newName,
  secondsFromNow,
  useTenant,
} from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server, { per: 'test' });

const create = (body: object = {}, headers: Record<string, string> = {}) =>
  tenant.api
    .post(`${tenant.path}/runs`)
    .set(headers)
    .send({ jobType: 'noop', ...body });

const change = (patch: object) =>
  server.admin.patch(tenant.path).set('If-Match', '*').send(patch).expect(200);

describe('the answer to a new run', () => {
  const later = { delaySeconds: 600 };

  it.each<[string, object]>([
    ['the least', later],
    [
      'a queue, a key and tags',
      { ...later, queue: 'mail', concurrencyKey: 'k 1', tags: ['a', '{"b"}', 'NULL'] },
    ],
    [
      'an instant, a deadline and a priority',
      { runAt: secondsFromNow(500), deadline: secondsFromNow(900), priority: -3 },
    ],
    [
      'a payload that is stored in another order',
      { ...later, payload: { z: 1, a: [1.0, 2e3, null], '': { y: 'ü' } } },
    ],
    ['a payload of null', { ...later, payload: null }],
    ['a unique key', { ...later, unique: { key: 'once' } }],
  ])('is what is read afterwards: with %s', async (_, body) => {
    const { body: created, headers } = await create(body).expect(201);
    const { deduplicated, replaced, ...shown } = created as Record<string, unknown>;
    expect({ deduplicated, replaced, state: shown['state'] }).toEqual({
      deduplicated: false,
      replaced: false,
      state: 'scheduled',
    });
    // A run has no revision, so no If-Match could use a tag of it.
    expect(headers['etag']).toBeUndefined();
    const { body: read } = await tenant.api.get(String(headers['location'])).expect(200);
    expect(JSON.stringify(shown)).toBe(JSON.stringify(read));
  });

  it('that is due says that it is queued', async () => {
    const { body } = await create({ runAt: '2020-01-01T00:00:00Z' }).expect(201);
    expect(body).toMatchObject({ state: 'queued', startedAt: null, replica: null });
  });

  it('is given again under the same Idempotency-Key', async () => {
    const key = { 'idempotency-key': newName('key') };
    const { body: first } = await create(later, key).expect(201);
    const { body: second, headers } = await create(later, key).expect(201);
    expect(second).toEqual(first);
    expect(headers['idempotency-replayed']).toBe('true');
  });
});

describe('what a run is checked against holds at once', () => {
  it("the tenant's state", async () => {
    await create().expect(201);
    await server.admin.post(`${tenant.path}:suspend`).expect(200);
    expect(expectProblem(await create(), 'invalid-state')).toMatchObject({ currentState: 'suspended' });
    await server.admin.post(`${tenant.path}:resume`).expect(200);
    await create().expect(201);
  });

  it("the tenant's limit, set and taken away", async () => {
    await create({ delaySeconds: 600 }).expect(201);
    await change({ limits: { maxQueued: 1 } });
    expect(expectProblem(await create(), 'quota-exceeded')).toMatchObject({
      limit: { name: 'maxQueued', max: 1, current: 1 },
      detail:
        'expected the tenant to have at most 1 runs that are not over (maxQueued), got one more in addition to 1',
    });
    await change({ limits: {} });
    await create().expect(201);
  });

  it('a job type of its own, which hides a shared one', async () => {
    await create({ payload: { n: 'text' } }).expect(201);
    const payloadSchema = { type: 'object', properties: { n: { type: 'number' } } };
    await createJobType(tenant, { name: 'noop', payloadSchema });
    expect(expectFields(await create({ payload: { n: 'text' } }))).toEqual(['/payload/n']);
    await create({ payload: { n: 1 } }).expect(201);
  });

  it('a job type that was changed after its last run', async () => {
    const { name } = await createJobType(tenant, { target: { kind: 'handler', handler: 'echo' } });
    const wish = { jobType: name, payload: { said: 1 } };
    expect((await finish(tenant, wish)).output).toEqual({ said: 1 });
    const path = `${tenant.path}/job-types/${name}`;
    const target = { kind: 'handler', handler: 'noop' };
    await tenant.api.patch(path).set('If-Match', '*').send({ target }).expect(200);
    expect((await finish(tenant, wish)).output).not.toEqual({ said: 1 });
  });

  it('a job type that was deleted', async () => {
    const { name } = await createJobType(tenant);
    await create({ jobType: name }).expect(201);
    await create({ jobType: name }).expect(201);
    await tenant.api.delete(`${tenant.path}/job-types/${name}`).set('If-Match', '*').expect(204);
    expect(expectFields(await create({ jobType: name }))).toEqual(['/jobType']);
  });

  it('a payload schema, made wider or narrower', async () => {
    const wanted = (type: string) => ({ type: 'object', properties: { n: { type } } });
    const { name } = await createJobType(tenant, { payloadSchema: wanted('number') });
    const wish = { jobType: name, payload: { n: 'text' } };
    await create({ jobType: name }).expect(201);
    const client = await openClient(server.databaseUrl);
    const narrow = (type: string) =>
      client.query('update carillon.job_type set payload_schema = $1 where name = $2', [wanted(type), name]);
    await narrow('string');
    await create(wish).expect(201);
    await narrow('number');
    expect(expectFields(await create(wish))).toEqual(['/payload/n']);
  });

  it('what somebody has changed by hand', async () => {
    const client = await openClient(server.databaseUrl);
    const set = (what: string) =>
      client.query(`update carillon.tenant set ${what} where name = $1`, [tenant.name]);
    await create({ delaySeconds: 600 }).expect(201);
    await set(`limits = '{"maxQueued": 1}'`);
    expectProblem(await create(), 'quota-exceeded');
    await set(`limits = '{}'`);
    await create().expect(201);
    await create().expect(201);
    await set(`state = 'suspended'`);
    expectProblem(await create(), 'invalid-state');
    expectProblem(await create({ unique: { key: 'k' } }), 'invalid-state');
  });

  it('a key of another tenant, which sees nothing of what is known here (I10)', async () => {
    await create().expect(201);
    const other = await createTenant(server);
    expectProblem(await other.api.post(`${tenant.path}/runs`).send({ jobType: 'noop' }), 'not-found');
    await create().expect(201);
  });

  it('a key that is revoked', async () => {
    const { id, key } = await createKey(tenant.api, tenant.path);
    const post = () => server.as(key).post(`${tenant.path}/runs`).send({ jobType: 'noop' });
    await post().expect(201);
    await tenant.api.post(`${tenant.path}/api-keys/${id}:revoke`).expect(204);
    expectProblem(await post(), 'unauthenticated');
  });
});

describe('a run is refused as before', () => {
  it.each([
    ['a job type that does not exist', { jobType: 'nowhere' }, '/jobType'],
    ['a job type that can be no name', { jobType: 'No Name\u0000' }, '/jobType'],
    ['a job type that is no text', { jobType: 7 }, '/jobType'],
    ['no job type', { jobType: undefined }, '/jobType'],
    ['a field that does not exist', { jobtype: 'noop' }, '/jobtype'],
  ])('with %s', async (_, body, field) => {
    expect(expectFields(await create(body))).toEqual([field]);
  });

  it.each([
    ['[]', 422],
    ['null', 422],
    ['"noop"', 422],
    ['{"jobType":"noop"', 400],
  ])('with the body %s', async (body, expected) => {
    const { status } = await tenant.api
      .post(`${tenant.path}/runs`)
      .set('content-type', 'application/json')
      .send(body);
    expect(status).toBe(expected);
  });

  it('in a tenant that does not exist, or is not the key’s', async () => {
    const other = await createTenant(server);
    for (const path of ['/api/v1/tenants/no-such-tenant', '/api/v1/tenants/No%20Name', other.path])
      expectProblem(await tenant.api.post(`${path}/runs`).send({ jobType: 'noop' }), 'not-found');
  });
});

it('reads the same of a tenant, with and without a job type', async () => {
  await change({ limits: { maxConcurrent: 3 }, retentionDays: 5, weight: 2, displayName: 'Ü' });
  const db = openDatabase(server.databaseUrl);
  const asked = { tenant: tenant.name, jobType: 'noop' };
  expect((await findTenantAndJob(db, asked))?.tenant).toEqual(await findTenant(db, tenant.name));
  expect((await findTenantAndJob(db, { ...asked, jobType: 'none' }))?.jobType).toBeNull();
  expect(await findTenantAndJob(db, { ...asked, tenant: 'none' })).toBeUndefined();
});
