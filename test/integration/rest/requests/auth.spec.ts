// Who may ask for what? Every route of the API wants a key, a tenant's key reaches that tenant alone (I10),
// and what it does not reach looks exactly as if it did not exist.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { expectFields, expectProblem, type Problem } from '../../../support/expect-problem.js';
import { registerWorker } from '../../../support/pull-worker.js';
import { startTestServer, useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createKey,
  createRun,
  createSchedule,
  finish,
  readSchedule,
  secondsFromNow,
  useTenant,
} from '../../../support/test-tenant.js';

const server = useTestServer();
const acme = useTenant(server);
const other = useTenant(server);

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
type Method = (typeof METHODS)[number];
const SOME_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

/** Every route that the API describes, with a path that could be meant. */
async function routes(): Promise<{ method: Method; path: string }[]> {
  const { body } = await server.anonymous.get('/openapi.json').expect(200);
  const { paths } = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) }).parse(body);
  return Object.entries(paths).flatMap(([path, operations]) =>
    METHODS.filter((method) => method in operations).map((method) => ({
      method,
      path: path
        .replace('{tenant}', acme.name)
        .replace(/\{(run|key)\}/, SOME_ID)
        .replaceAll(/\{\w+\}/g, 'anything'),
    })),
  );
}

describe('without a valid key', () => {
  it('every route of the API answers 401 and says how to authenticate', async () => {
    const guarded = (await routes()).filter(({ path }) => path.startsWith('/api/'));
    expect(guarded.length).toBeGreaterThan(20);
    for (const { method, path } of guarded) {
      const response = await server.anonymous[method](path);
      expectProblem(response, 'unauthenticated');
      expect(response.headers['www-authenticate']).toBe('Bearer');
    }
  });

  it.each([
    ['another scheme', `Basic ${Buffer.from('user:password').toString('base64')}`],
    ['the bare key', 'sk_admin_only-for-tests-0123456789abcdef'],
    ['a scheme without a key', 'Bearer '],
    ['two keys', 'Bearer a b'],
    ['an unknown key', 'Bearer sk_acme_nobody-was-given-this-key'],
    ['an empty header', ''],
  ])('%s is refused, and not repeated in the answer', async (_, authorization) => {
    const response = await server.anonymous.get('/api/v1/tenants').set('Authorization', authorization);
    const { detail } = expectProblem(response, 'unauthenticated');
    expect(detail).not.toContain(authorization.split(' ').at(-1) || 'password');
  });

  it.each(['/healthz/live', '/healthz/ready', '/openapi.json', '/docs'])('%s can be read', async (path) => {
    await server.anonymous.get(path).redirects(1).expect(200);
  });

  it('an unknown route is not found, whoever asks', async () => {
    expectProblem(await server.anonymous.get('/api/v1/nothing'), 'not-found');
    expectProblem(await server.admin.get('/api/v1/nothing'), 'not-found');
  });
});

describe('a key', () => {
  it('is accepted under a scheme in any case', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      await server.anonymous.get(acme.path).set('Authorization', `${scheme} ${acme.key}`).expect(200);
    }
  });

  it('that was revoked before its first use never works', async () => {
    const { id, key } = await createKey(acme.api, acme.path);
    await acme.api.post(`${acme.path}/api-keys/${id}:revoke`).expect(204);
    expectProblem(await server.as(key).get(acme.path), 'unauthenticated');
  });

  it('that was revoked is refused at once by a replica that has not seen it, however often another one has', async () => {
    const { id, key } = await createKey(acme.api, acme.path);
    await server.as(key).get(acme.path).expect(200);
    await acme.api.post(`${acme.path}/api-keys/${id}:revoke`).expect(204);
    const second = await startTestServer({ databaseUrl: server.databaseUrl });
    try {
      expectProblem(await second.as(key).get(acme.path), 'unauthenticated');
      await second.as(acme.key).get(acme.path).expect(200);
    } finally {
      await second.stop();
    }
  });

  it('can be revoked once', async () => {
    const { id } = await createKey(acme.api, acme.path);
    await acme.api.post(`${acme.path}/api-keys/${id}:revoke`).expect(204);
    expectProblem(await acme.api.post(`${acme.path}/api-keys/${id}:revoke`), 'not-found');
  });

  it("of another tenant can't be revoked, and goes on working", async () => {
    const { id, key } = await createKey(other.api, other.path);
    const foreign = expectProblem(await acme.api.post(`${acme.path}/api-keys/${id}:revoke`), 'not-found');
    const missing = expectProblem(
      await acme.api.post(`${acme.path}/api-keys/${SOME_ID}:revoke`),
      'not-found',
    );
    expect(anonymised(foreign, id)).toEqual(anonymised(missing, SOME_ID));
    await server.as(key).get(other.path).expect(200);
  });

  it('is named by a UUID', async () => {
    expect(expectFields(await acme.api.post(`${acme.path}/api-keys/first:revoke`))).toEqual([':key']);
  });

  it('wants a name of 1 to 200 characters, and nothing else', async () => {
    const send = (body: object) => acme.api.post(`${acme.path}/api-keys`).send(body);
    expect(expectFields(await send({}))).toEqual(['/name']);
    expect(expectFields(await send({ name: '' }))).toEqual(['/name']);
    expect(expectFields(await send({ name: 'x'.repeat(201) }))).toEqual(['/name']);
    expect(expectFields(await send({ name: 'test', role: 'admin' }))).toEqual(['/role']);
  });
});

describe("a tenant's key", () => {
  it('may neither create tenants nor look into the cluster or act on it', async () => {
    const guarded = (await routes()).filter(
      ({ method, path }) =>
        path.startsWith('/api/v1/cluster') || (method === 'post' && path === '/api/v1/tenants'),
    );
    expect(guarded.length).toBeGreaterThan(5);
    for (const { method, path } of guarded)
      expectProblem(await acme.api[method](path).send(sendable(method)), 'forbidden');
  });

  it('lists its own tenant and no other', async () => {
    const { body } = await acme.api.get('/api/v1/tenants').expect(200);
    expect(body).toMatchObject({ items: [{ name: acme.name }], nextPageToken: null });
  });

  it('finds of another tenant exactly what it finds of one that does not exist (I10)', async () => {
    const theirs = (await routes()).filter(({ path }) => path.startsWith(acme.path));
    expect(theirs.length).toBeGreaterThan(15);
    for (const { method, path } of theirs) {
      const foreign = expectProblem(
        await other.api[method](path).set('If-Match', '*').send(sendable(method)),
        'not-found',
      );
      const missing = path.replace(acme.name, 'nobody');
      const nothing = expectProblem(
        await other.api[method](missing).set('If-Match', '*').send(sendable(method)),
        'not-found',
      );
      expect(anonymised(foreign, acme.name)).toEqual(anonymised(nothing, 'nobody'));
    }
  });

  it("changes nothing of another tenant's (I10)", async () => {
    const schedule = await createSchedule(acme);
    const at = `${acme.path}/schedules/${schedule.name}`;
    expectProblem(
      await other.api
        .patch(at)
        .set('If-Match', '*')
        .send({ payload: { mine: true } }),
      'not-found',
    );
    expectProblem(await other.api.post(`${at}:pause`), 'not-found');
    expectProblem(await other.api.delete(at).set('If-Match', '*'), 'not-found');
    expect(await readSchedule(acme, schedule.name)).toMatchObject({
      state: 'active',
      payload: {},
      revision: 1,
    });
  });

  it("does not find another tenant's run, schedule, fires or job type under its own path (I10)", async () => {
    const { id } = await finish(acme);
    const pending = await createRun(acme, { runAt: secondsFromNow(3_600) });
    const { name: schedule } = await createSchedule(acme);
    const { name: jobType } = await createJobType(acme);
    for (const path of [
      `runs/${id}`,
      `runs/${pending.id}`,
      `runs/${id}?wait=1`,
      `schedules/${schedule}`,
      `schedules/${schedule}/fires`,
      `job-types/${jobType}`,
      `runs?schedule=${schedule}`,
    ]) {
      expectProblem(await other.api.get(`${other.path}/${path}`), 'not-found');
    }
    const foreign = expectProblem(await other.api.get(`${other.path}/runs/${id}`), 'not-found');
    const missing = expectProblem(await other.api.get(`${other.path}/runs/${SOME_ID}`), 'not-found');
    expect(anonymised(foreign, id)).toEqual(anonymised(missing, SOME_ID));
  });

  it("can't use another tenant's job type (I10)", async () => {
    const { name } = await createJobType(acme);
    expect(expectFields(await other.api.post(`${other.path}/runs`).send({ jobType: name }))).toEqual([
      '/jobType',
    ]);
    const schedule = { name: 'theirs', spec: { everySeconds: 60 }, jobType: name };
    expect(expectFields(await other.api.post(`${other.path}/schedules`).send(schedule))).toEqual([
      '/jobType',
    ]);
  });

  it('may use names that another tenant uses', async () => {
    const names = { schedule: 'nightly', jobType: 'report.build' };
    for (const tenant of [acme, other]) {
      await createSchedule(tenant, { name: names.schedule });
      await createJobType(tenant, { name: names.jobType });
    }
    await acme.api.delete(`${acme.path}/schedules/${names.schedule}`).set('If-Match', '*').expect(204);
    expect(await readSchedule(other, names.schedule)).toMatchObject({ name: names.schedule });
  });

  it("gets no page of another tenant's list with that list's token (I10)", async () => {
    for (const tenant of [acme, other]) {
      for (let count = 0; count < 2; count += 1) {
        await createRun(tenant, { runAt: secondsFromNow(3_600) });
        await createSchedule(tenant);
        await createJobType(tenant);
      }
    }
    for (const list of ['runs', 'schedules', 'job-types']) {
      const { body } = await acme.api.get(`${acme.path}/${list}?pageSize=1`).expect(200);
      const { nextPageToken } = z.object({ nextPageToken: z.string() }).parse(body);
      expectProblem(
        await other.api.get(`${other.path}/${list}?pageSize=1&pageToken=${nextPageToken}`),
        'invalid-page-token',
      );
    }
  });
});

describe("a worker's key", () => {
  const FOR_WORKERS =
    /\/worker\/(workers:register|schedules:define|leases:acquire|workers\/[^/]+:(heartbeat|deregister)|leases\/[^/]+(:\w+|\/logs))$|\/locks(\/[^/]+)?:(acquire|renew|release)$/;

  it('may take runs and end them', async () => {
    const { key } = await createKey(acme.api, acme.path, { role: 'worker' });
    const worker = await registerWorker({ ...acme, api: server.as(key) });
    const { id } = await createRun(acme, { jobType: worker.jobType });
    const lease = await worker.take();
    expect(lease.run.id).toBe(id);
    await worker.say(lease, 'heartbeat').expect(200);
    expect((await worker.say(lease, 'complete', { output: 1 })).body).toEqual({
      runId: id,
      state: 'succeeded',
    });
  });

  it('may do nothing else', async () => {
    const { key } = await createKey(acme.api, acme.path, { role: 'worker' });
    const api = server.as(key);
    const others = (await routes()).filter(({ path }) => path.startsWith('/api/') && !FOR_WORKERS.test(path));
    expect(others.length).toBeGreaterThan(20);
    for (const { method, path } of others)
      expectProblem(await api[method](path).send(sendable(method)), 'forbidden');
  });

  it("reaches no other tenant's runs (I10)", async () => {
    const { key } = await createKey(acme.api, acme.path, { role: 'worker' });
    expectProblem(await server.as(key).post(`${other.path}/worker/workers:register`).send({}), 'not-found');
  });
});

function sendable(method: Method): object | undefined {
  return method === 'post' || method === 'patch' ? {} : undefined;
}

/** A problem without what must differ: the name that was asked for, and the request's own id. */
function anonymised(problem: Problem, name: string): unknown {
  return JSON.parse(JSON.stringify({ ...problem, requestId: '' }).replaceAll(name, '(name)'));
}
