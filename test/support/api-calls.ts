// Which calls show every operation of the API at its work? At least one successful call of each, in an order in which
// they succeed.
import type { Response } from 'supertest';
import { z } from 'zod';
import { startedOperation, type ShownOperation } from './operations.js';
import { lockCalls } from './lock-api-calls.js';
import { operationCalls, scheduleCalls } from './schedule-api-calls.js';
import { startTestServer, type TestServer } from './test-server.js';
import {
  createJobType,
  createRun,
  createSchedule,
  finish,
  listFires,
  newName,
  secondsFromNow,
  type TestTenant,
} from './test-tenant.js';
import { until } from './until.js';
import { workerCalls } from './worker-api-calls.js';

/** Where the description has them. */
const T = '/api/v1/tenants/{tenant}';
const C = '/api/v1/cluster';
/** Of a replica that has ended. */
const GONE_KEY = 'gone-0123456789-0123456789-0123456789';

export type Call = () => PromiseLike<Response>;

type Calls = Record<string, Call[]>;

export async function callsOf(server: TestServer, tenant: TestTenant): Promise<Calls> {
  const scene = await prepare(server, tenant);
  return {
    ...(await workerCalls(tenant)),
    ...callsOfTenants(server, tenant),
    ...callsOfJobTypes(tenant, scene),
    ...callsOfKeys(server, tenant, scene),
    ...scheduleCalls(tenant, scene),
    ...callsOfRuns(tenant, scene),
    ...operationCalls(tenant, scene),
    ...(await lockCalls(tenant)),
    ...callsOfCluster(server, tenant, scene),
  };
}

type Scene = Awaited<ReturnType<typeof prepare>>;

async function prepare(server: TestServer, tenant: TestTenant) {
  const { admin } = server;
  const { path } = tenant;
  const ended = await finish(tenant, { jobType: 'echo', payload: { any: ['thing'] } });
  const failing = await createJobType(tenant, {
    target: { kind: 'handler', handler: 'fail' },
    retry: { maxAttempts: 2, backoff: 'fixed', minSeconds: 0.001, maxSeconds: 0.001, jitter: 0 },
  });
  const failed = await finish(tenant, { jobType: failing.name });
  const http = await createJobType(tenant, {
    target: { kind: 'http', url: 'https://example.com/hook', headers: { 'x-a': 'b' } },
  });
  const later = await createRun(tenant, { runAt: secondsFromNow(3_600) });
  const often = await createSchedule(tenant, { spec: { everySeconds: 1 } });
  const cron = await createSchedule(tenant, {
    spec: { cron: '0 0 * * *' },
    timeZone: 'Asia/Tokyo',
    payload: { a: [1] },
  });
  const once = await createSchedule(tenant, { spec: { at: secondsFromNow(3_600) } });
  const scheduled = await until(
    'it has fired',
    async () => (await listFires(tenant, often.name)).find(({ outcome }) => outcome === 'fired')?.runId,
  );
  const backfill = await startWaiting(tenant);
  const { body: key } = await admin.post(`${path}/api-keys`).send({ name: 'revoked' });
  const { id: keyId } = z.object({ id: z.uuid() }).parse(key);
  const { body: leading } = await admin.get(`${C}/leader`);
  const { replica } = z.object({ replica: z.int() }).parse(leading);
  const gone = await startTestServer({
    databaseUrl: server.databaseUrl,
    env: { CARILLON_NAME: 'gone', CARILLON_ADMIN_KEY: GONE_KEY },
  });
  await gone.stop();
  const { body: keys } = await admin.get('/api/v1/api-keys');
  const shownKeys = z.object({ items: z.array(z.object({ id: z.uuid(), prefix: z.string().nullable() })) });
  const goneKeyId = shownKeys.parse(keys).items.find(({ prefix }) => prefix === 'gone')?.id ?? '';
  return { backfill, ended, failed, http, later, often, cron, once, scheduled, keyId, goneKeyId, replica };
}

/** A backfill that does not end by itself. */
async function startWaiting(tenant: TestTenant): Promise<ShownOperation> {
  const { api, path } = tenant;
  const { name: jobType } = await createJobType(tenant);
  await api.post(`${path}/job-types/${jobType}:pause`).expect(200);
  const { name } = await createSchedule(tenant, { spec: { cron: '0 0 * * *' }, jobType });
  const span = { from: '2026-01-01T00:00:00Z', to: '2026-01-05T00:00:00Z', maxUnfinished: 1 };
  return startedOperation(tenant, await api.post(`${path}/schedules/${name}:backfill`).send(span));
}

function callsOfTenants({ admin, anonymous }: TestServer, tenant: TestTenant): Calls {
  const { path } = tenant;
  return {
    'get /healthz/live': [() => anonymous.get('/healthz/live')],
    'get /healthz/ready': [() => anonymous.get('/healthz/ready')],
    'get /api/v1/tenants': [
      () => admin.get('/api/v1/tenants'),
      () => admin.get('/api/v1/tenants?pageSize=1'),
      () => tenant.api.get('/api/v1/tenants'),
    ],
    'post /api/v1/tenants': [
      () => admin.post('/api/v1/tenants').send({ name: newName('described'), displayName: 'Described' }),
    ],
    [`get ${T}`]: [() => admin.get(path)],
    [`patch ${T}`]: [
      () =>
        admin
          .patch(path)
          .set('If-Match', '*')
          .send({ weight: 2, limits: { maxConcurrent: 9, rate: { count: 9, perSeconds: 1 } } }),
    ],
    [`put ${T}`]: [
      () => admin.put(path).send({ allowedHandlers: ['*'] }),
      () => admin.put(`/api/v1/tenants/${newName('described')}`).send({}),
    ],
    [`post ${T}:suspend`]: [() => admin.post(`${path}:suspend`)],
    [`post ${T}:resume`]: [{}, { catchUp: true }].map(
      (wish) => () => admin.post(`${path}:resume`).send(wish),
    ),
  };
}

function callsOfJobTypes(tenant: TestTenant, { http }: Scene): Calls {
  const { path } = tenant;
  return {
    [`post ${T}/queues/{queue}:pause`]: [() => tenant.api.post(`${path}/queues/mail:pause`)],
    [`get ${T}/queues`]: [() => tenant.api.get(`${path}/queues`)],
    [`get ${T}/queues/{queue}`]: ['mail', 'unheard-of'].map(
      (name) => () => tenant.api.get(`${path}/queues/${name}`),
    ),
    [`post ${T}/queues/{queue}:resume`]: [() => tenant.api.post(`${path}/queues/mail:resume`)],
    [`get ${T}/job-types`]: [() => tenant.api.get(`${path}/job-types`)],
    [`post ${T}/job-types`]: [
      () =>
        tenant.api
          .post(`${path}/job-types`)
          .send({ name: newName('described'), target: { kind: 'handler', handler: 'noop' } }),
    ],
    [`get ${T}/job-types/{jobType}`]: ['noop', 'sleep', http.name].map(
      (name) => () => tenant.api.get(`${path}/job-types/${name}`),
    ),
    [`put ${T}/job-types/{jobType}`]: [201, 200].map(
      () => () => tenant.api.put(`${path}/job-types/described-by-file`).send({ target: { kind: 'pull' } }),
    ),
    [`patch ${T}/job-types/{jobType}`]: [
      () =>
        tenant.api
          .patch(`${path}/job-types/${http.name}`)
          .set('If-Match', '*')
          .send({ limits: { maxConcurrentPerKey: 1 } }),
    ],
    [`post ${T}/job-types/{jobType}:pause`]: [
      () => tenant.api.post(`${path}/job-types/${http.name}:pause`).send({ reason: 'described' }),
    ],
    [`post ${T}/job-types/{jobType}:resume`]: [
      () => tenant.api.post(`${path}/job-types/${http.name}:resume`),
    ],
    [`delete ${T}/job-types/{jobType}`]: [
      () => tenant.api.delete(`${path}/job-types/${http.name}`).set('If-Match', '*'),
    ],
  };
}

function callsOfKeys({ admin }: TestServer, { api, path }: TestTenant, { keyId, goneKeyId }: Scene): Calls {
  return {
    [`post ${T}/api-keys`]: [() => api.post(`${path}/api-keys`).send({ name: 'described' })],
    [`get ${T}/api-keys`]: [() => api.get(`${path}/api-keys`)],
    'get /api/v1/api-keys': [() => admin.get('/api/v1/api-keys')],
    'post /api/v1/api-keys/{key}:revoke': [() => admin.post(`/api/v1/api-keys/${goneKeyId}:revoke`)],
    [`post ${T}/api-keys/{key}:revoke`]: [() => admin.post(`${path}/api-keys/${keyId}:revoke`)],
  };
}

function callsOfRuns(tenant: TestTenant, { ended, failed, later, scheduled }: Scene): Calls {
  const { path } = tenant;
  return {
    [`get ${T}/runs`]: [() => tenant.api.get(`${path}/runs`)],
    [`post ${T}/runs`]: [
      () => tenant.api.post(`${path}/runs`).send({ jobType: 'noop' }),
      ...[201, 200].map(
        () => () =>
          tenant.api
            .post(`${path}/runs`)
            .send({ jobType: 'noop', runAt: later.runAt, unique: { key: 'described' } }),
      ),
    ],
    [`post ${T}/runs:batchCreate`]: [
      () =>
        tenant.api
          .post(`${path}/runs:batchCreate`)
          .send({ mode: 'per-item', runs: [{ jobType: 'noop' }, { jobType: 'nobody.has-it' }] }),
    ],
    [`get ${T}/runs/{run}`]: [ended, failed, later].map(
      ({ id }) =>
        () =>
          tenant.api.get(`${path}/runs/${id}`),
    ),
    [`get ${T}/runs/{run}:previousFire`]: [() => tenant.api.get(`${path}/runs/${scheduled}:previousFire`)],
    [`get ${T}/runs/{run}/logs`]: [() => tenant.api.get(`${path}/runs/${ended.id}/logs`)],
    [`post ${T}/runs/{run}:cancel`]: [() => tenant.api.post(`${path}/runs/${later.id}:cancel`)],
    [`post ${T}/runs/{run}:unblock`]: [() => tenant.api.post(`${path}/runs/${failed.id}:unblock`)],
    [`get ${T}/blocked-keys`]: [() => tenant.api.get(`${path}/blocked-keys`)],
    [`post ${T}/runs/{run}:retry`]: [() => tenant.api.post(`${path}/runs/${failed.id}:retry`)],
    [`post ${T}/runs:cancel`]: [() => tenant.api.post(`${path}/runs:cancel`).send({ filter: { tag: 'a' } })],
    [`post ${T}/runs:retry`]: [() => tenant.api.post(`${path}/runs:retry`).send({ filter: { tag: 'a' } })],
  };
}

function callsOfCluster({ admin }: TestServer, tenant: TestTenant, { replica }: Scene): Calls {
  return {
    [`get ${C}/replicas`]: [() => admin.get(`${C}/replicas`)],
    [`get ${C}/leader`]: [() => admin.get(`${C}/leader`)],
    [`get ${C}/ring`]: [() => admin.get(`${C}/ring`)],
    [`get ${C}/ring:lookup`]: [() => admin.get(`${C}/ring:lookup?tenant=${tenant.name}`)],
    [`get ${C}/ring:simulate`]: [() => admin.get(`${C}/ring:simulate?with=2`)],
    [`get ${C}/events`]: [() => admin.get(`${C}/events`)],
    [`post ${C}/replicas/{replica}:forget`]: [() => admin.post(`${C}/replicas/${replica + 1}:forget`)],
    [`post ${C}/replicas/{replica}:drain`]: [() => admin.post(`${C}/replicas/${replica}:drain`)],
    [`post ${C}/replicas/{replica}:undrain`]: [() => admin.post(`${C}/replicas/${replica}:undrain`)],
    [`post ${C}/leader:stepDown`]: [() => admin.post(`${C}/leader:stepDown`)],
  };
}
