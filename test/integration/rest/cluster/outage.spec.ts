// What does the API do while its database is away? It says so, at once and in its usual form, and goes on by
// itself when the database is back. A proxy takes the database from this one server.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startServer } from '#server/application.js';
import { readConfig } from '#server/settings/config.js';
import { runStatement } from '../../../support/admin-statement.js';
import { startDatabaseProxy, type DatabaseProxy } from '../../../support/database-proxy.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.js';
import { startTestServer, type TestServer } from '../../../support/test-server.js';
import {
  createRun,
  createSchedule,
  createTenant,
  finish,
  finishedRun,
  listFires,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

let database: TestDatabase;
let proxy: DatabaseProxy;
let server: TestServer;
let tenant: TestTenant;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startDatabaseProxy(database.url);
  // Short, so that the replica soon knows that it is cut off.
  const env = { CARILLON_HEARTBEAT_MS: '200', CARILLON_DEAD_AFTER_MS: '1000' };
  server = await startTestServer({ databaseUrl: proxy.url, env });
  tenant = await createTenant(server);
});
afterAll(async () => {
  await proxy.mend();
  await server.stop();
  await proxy.cut();
  await database.drop();
});
beforeEach(async () => {
  await proxy.mend();
  await until('the API answers', async () => (await server.admin.get('/api/v1/tenants')).status === 200);
  await until(
    'the replica is ready',
    async () => (await server.anonymous.get('/healthz/ready')).status === 200,
  );
});

/** Undefined while the replica is not sure of its membership, as one with so short a lease may be on a busy machine. */
const stateOf = async (id: string): Promise<string | undefined> => {
  const { status, body } = await tenant.api.get(`${tenant.path}/runs/${id}`);
  return status === 200 ? (body as { state: string }).state : undefined;
};

const unavailable = async (...requests: { method: 'get' | 'post'; path: string; body?: object }[]) => {
  for (const { method, path, body } of requests) {
    const response = await server.admin[method](path).send(body);
    expectProblem(response, 'database-unavailable');
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  }
};

describe('while connecting is refused', () => {
  it('every question of the API is answered with 503, and when to ask again', async () => {
    const { id } = await finish(tenant);
    await proxy.cut();
    await unavailable(
      { method: 'get', path: '/api/v1/tenants' },
      { method: 'get', path: tenant.path },
      { method: 'get', path: `${tenant.path}/runs/${id}` },
      { method: 'get', path: `${tenant.path}/schedules` },
      { method: 'post', path: `${tenant.path}/runs`, body: { jobType: 'noop' } },
      {
        method: 'post',
        path: `${tenant.path}/schedules`,
        body: { name: 'x', spec: { everySeconds: 5 }, jobType: 'noop' },
      },
      { method: 'get', path: '/api/v1/cluster/leader' },
    );
  });

  it('a key that is not remembered is neither accepted nor refused', async () => {
    await proxy.cut();
    expectProblem(
      await server.as('sk_never-seen-before-0123456789').get(tenant.path),
      'database-unavailable',
    );
  });

  it('the process is alive, and soon not ready', async () => {
    await proxy.cut();
    await until(
      'the replica is not ready',
      async () => (await server.anonymous.get('/healthz/ready')).status === 503,
    );
    expect((await server.anonymous.get('/healthz/ready')).body).toEqual({ status: 'not-ready' });
    await server.anonymous.get('/healthz/live').expect(200, { status: 'live' });
  });

  it('a body that is wrong is still told so, since nobody needs to be asked', async () => {
    await proxy.cut();
    expectProblem(await server.admin.post('/api/v1/tenants').type('json').send('{'), 'malformed-json');
    expectProblem(await server.admin.get('/nothing'), 'not-found');
  });

  it('a caller who waits for a run is told so, long before his time is up', async () => {
    const { id } = await createRun(tenant, { jobType: 'sleep', payload: { ms: 3_600_000 } });
    await until('it runs', async () => (await stateOf(id)) === 'running');
    const answered = tenant.api.get(`${tenant.path}/runs/${id}?wait=60`).then((response) => response);
    await proxy.cut();
    expectProblem(await answered, 'database-unavailable');
  });
});

describe('while nothing is answered', () => {
  it('the process is alive and soon not ready; when answers come again, it goes on', async () => {
    proxy.freeze();
    await until(
      'the replica is not ready',
      async () => (await server.anonymous.get('/healthz/ready')).status === 503,
    );
    await server.anonymous.get('/healthz/live').expect(200);
    await proxy.mend();
    await until(
      'the replica is ready',
      async () => (await server.anonymous.get('/healthz/ready')).status === 200,
    );
    expect(await finish(tenant, { jobType: 'echo', payload: 'thawed' })).toMatchObject({
      state: 'succeeded',
      output: 'thawed',
    });
  });
});

describe('when the database is back', () => {
  it('everything goes on without a restart: what was acknowledged runs, and schedules fire (I5, I8)', async () => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    await until('it has fired', async () =>
      (await listFires(tenant, schedule.name)).some(({ outcome }) => outcome === 'fired'),
    );
    const run = await createRun(tenant, {
      jobType: 'echo',
      payload: 'kept',
      runAt: new Date(Date.now() + 1_000).toISOString(),
    });
    await proxy.cut();
    await until(
      'the replica is not ready',
      async () => (await server.anonymous.get('/healthz/ready')).status === 503,
    );
    const cutAt = new Date().toISOString();
    await proxy.mend();
    await until('the API answers', async () => (await server.admin.get(tenant.path)).status === 200);
    expect(await finishedRun(tenant, run)).toMatchObject({ state: 'succeeded', output: 'kept' });
    await until('it has fired again', async () =>
      (await listFires(tenant, schedule.name)).some(
        ({ outcome, dueAt }) => outcome === 'fired' && dueAt > cutAt,
      ),
    );
    await tenant.api.delete(`${tenant.path}/schedules/${schedule.name}`).set('If-Match', '*').expect(204);
  });

  it('after every session was ended by the server, the next question is answered', async () => {
    await runStatement(
      database.url,
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    await until('the API answers', async () => (await server.admin.get(tenant.path)).status === 200);
    const { id } = await createRun(tenant, { jobType: 'echo', payload: 1 });
    await until('it has succeeded', async () => (await stateOf(id)) === 'succeeded');
  });

  it('while new sessions are not let in, questions are answered with 503, and then as ever', async () => {
    const name = new URL(database.url).pathname.slice(1);
    const admin = Object.assign(new URL(database.url), { pathname: '/postgres' }).href;
    await runStatement(admin, `alter database ${name} allow_connections false`);
    try {
      await runStatement(
        admin,
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
      );
      await until('questions are refused', async () => (await server.admin.get(tenant.path)).status !== 200);
      expectProblem(await server.admin.get(tenant.path), 'database-unavailable');
    } finally {
      await runStatement(admin, `alter database ${name} allow_connections true`);
    }
    await until('the API answers', async () => (await server.admin.get(tenant.path)).status === 200);
  });
});

it('a server whose database can not be reached does not start, and leaves nothing behind', async () => {
  const before = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length;
  const config = readConfig({
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
    CARILLON_PORT: '0',
    CARILLON_LOG_LEVEL: 'silent',
  });
  await expect(startServer(config)).rejects.toThrow(/ECONNREFUSED/);
  expect(process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length).toBe(before);
});

it('a server whose port is taken does not start, and leaves nothing behind', async () => {
  const port = new URL(server.url).port;
  const wish = { databaseUrl: database.url, env: { CARILLON_PORT: port } };
  await expect(startTestServer(wish)).rejects.toThrow(/EADDRINUSE/);
  await until('only one replica is connected', async () => {
    const [row] = await runStatement<{ count: string }>(
      database.url,
      "select count(distinct application_name) from pg_stat_activity where datname = current_database() and application_name ~ '^carillon:'",
    );
    return row?.count === '1';
  });
});
