// Is the API's description true? It names every route there is, says what each wants and gives, and every
// answer of a real server fits it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Response } from 'supertest';
import {
  operationsOf,
  readDescription,
  validatorOf,
  type ApiDescription,
  type Operation,
} from '../support/api-description.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import {
  createJobType,
  createRun,
  createSchedule,
  createTenant,
  finish,
  listFires,
  newName,
  secondsFromNow,
  type TestTenant,
} from '../support/test-tenant.js';
import { until } from '../support/until.js';

let server: TestServer;
let api: ApiDescription;
let operations: Operation[];

beforeAll(async () => {
  server = await startTestServer();
  api = await readDescription(server);
  operations = operationsOf(api);
});
afterAll(() => server.stop());

const nameOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;

describe('the description', () => {
  it('is OpenAPI 3.1, as JSON and as YAML', async () => {
    expect(api.openapi).toMatch(/^3\.1\.\d$/);
    expect(api.info).toMatchObject({ title: 'Carillon' });
    const { text } = await server.anonymous.get('/openapi.yaml').expect(200);
    expect(text).toMatch(/^openapi: 3\.1/);
  });

  it('names every route that the application serves, and no other', () => {
    // Middleware is bound to every path, and the description's own routes don't describe themselves.
    const served = servedRoutes().filter((route) => / \/(?!docs|openapi)/.test(route));
    expect(operations.map(nameOf).toSorted()).toEqual(served.toSorted());
  });

  it('gives every operation an id of its own, a summary and a place in the table of contents', () => {
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const operation of operations) {
      expect(operation.summary, nameOf(operation)).toMatch(/^.{10,}/);
      expect(operation.tags, nameOf(operation)).toHaveLength(1);
    }
  });

  it('declares every parameter of every path, and none besides', () => {
    for (const operation of operations) {
      const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters.filter((parameter) => parameter.in === 'path');
      expect(
        declared.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b)),
        nameOf(operation),
      ).toEqual(inPath.toSorted((a, b) => String(a).localeCompare(String(b))));
      expect(
        declared.every(({ required }) => required === true),
        nameOf(operation),
      ).toBe(true);
      const places = operation.parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(places).size, nameOf(operation)).toBe(places.length);
    }
  });

  it('asks for a bearer key wherever one is asked for', () => {
    expect(api.components.securitySchemes['bearer']).toMatchObject({ type: 'http', scheme: 'bearer' });
    for (const operation of operations) {
      expect(operation.security ?? [], nameOf(operation)).toEqual(
        operation.path.startsWith('/api/') ? [{ bearer: [] }] : [],
      );
    }
  });

  it('says of every operation what success looks like, and that all else is a problem', () => {
    for (const operation of operations) {
      const good = Object.keys(operation.responses).filter((status) => status.startsWith('2'));
      expect(good, nameOf(operation)).toHaveLength(1);
      const hasBody = validatorOf(api, operation, Number(good[0])) !== undefined;
      expect(hasBody, nameOf(operation)).toBe(good[0] !== '204');
      expect(operation.responses['default'], nameOf(operation)).toEqual({
        $ref: '#/components/responses/Problem',
      });
    }
    expect(api.components.responses['Problem']?.content).toHaveProperty('application/problem+json');
  });

  it('says where an ETag is wanted, and that a patch may be a merge patch', () => {
    const wanting = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'If-Match'));
    expect(wanting.map(nameOf)).toEqual([
      'patch /api/v1/tenants/{tenant}',
      'patch /api/v1/tenants/{tenant}/job-types/{jobType}',
      'patch /api/v1/tenants/{tenant}/schedules/{schedule}',
      'delete /api/v1/tenants/{tenant}/schedules/{schedule}',
    ]);
    expect(Object.keys(wanting[0]?.requestBody?.content ?? {})).toContain('application/merge-patch+json');
  });

  it('refers to nothing that is not there', () => {
    const references = JSON.stringify(api).matchAll(/"\$ref":"#([^"]+)"/g);
    for (const [, pointer = ''] of references) {
      const target = pointer
        .split('/')
        .slice(1)
        .reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], api);
      expect(target, pointer).toBeDefined();
    }
  });

  it('leaves room for new fields in answers, and for none in requests', () => {
    for (const operation of operations) {
      const body = operation.requestBody?.content['application/json']?.schema;
      if (body !== undefined)
        expect(body, nameOf(operation)).toMatchObject({ type: 'object', additionalProperties: false });
    }
    for (const name of ['Tenant', 'Run', 'Schedule', 'JobType'])
      expect(api.components.schemas[name], name).not.toHaveProperty('additionalProperties');
  });

  it('has a page that loads nothing from elsewhere', async () => {
    const { text, type } = await server.anonymous.get('/docs').expect(200);
    expect(type).toBe('text/html');
    const loaded = [...text.matchAll(/(?:src|href)=["']([^"']+)["']/g)].map(([, url = '']) => url);
    expect(loaded.length).toBeGreaterThan(2);
    for (const url of loaded) {
      expect(url).not.toMatch(/^(https?:)?\/\//);
      await server.anonymous.get(new URL(url, `${server.url}/docs`).pathname).expect(200);
    }
  });
});

describe('every answer', () => {
  it('fits what is said about it', async () => {
    const tenant = await createTenant(server);
    const asked = new Set<string>();
    const check = (operation: Operation, response: Response) => {
      expect(
        operation.responses,
        `${nameOf(operation)} answered ${response.status}: ${response.text}`,
      ).toHaveProperty(String(response.status));
      const validator = validatorOf(api, operation, response.status);
      if (validator === undefined) expect(response.text).toBe('');
      else expect(validator.safeParse(response.body).error, nameOf(operation)).toBeUndefined();
      asked.add(nameOf(operation));
    };
    for (const [name, calls] of Object.entries(await callsOf(tenant))) {
      const operation = operations.find((candidate) => nameOf(candidate) === name);
      for (const call of calls)
        check(operation ?? expect.unreachable(`${name} is not described`), await call());
    }
    expect([...asked].toSorted()).toEqual(operations.map(nameOf).toSorted());
  });
});

type Call = () => PromiseLike<Response>;

/** At least one successful call of every operation, in an order in which they succeed. */
async function callsOf(tenant: TestTenant): Promise<Record<string, Call[]>> {
  const T = '/api/v1/tenants/{tenant}';
  const C = '/api/v1/cluster';
  const { admin, anonymous } = server;
  const { path } = tenant;
  const ended = await finish(tenant, { jobType: 'echo', payload: { any: ['thing'] } });
  const failing = await createJobType(tenant, {
    target: { kind: 'handler', handler: 'fail' },
    retry: { maxAttempts: 2, kind: 'fixed', minMs: 1, maxMs: 1, jitter: 0 },
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
  await until('it has fired', async () =>
    (await listFires(tenant, often.name)).some(({ outcome }) => outcome === 'fired'),
  );
  const { body: key } = await admin.post(`${path}/api-keys`).send({ name: 'revoked' });
  const { id: keyId } = z.object({ id: z.uuid() }).parse(key);
  const { body: leading } = await admin.get(`${C}/leader`);
  const { replica } = z.object({ replica: z.int() }).parse(leading);
  const gone = await startTestServer({ databaseUrl: server.databaseUrl, env: { CARILLON_NAME: 'gone' } });
  await gone.stop();
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
    [`post ${T}:suspend`]: [() => admin.post(`${path}:suspend`)],
    [`post ${T}:resume`]: [() => admin.post(`${path}:resume`)],
    [`post ${T}/queues/{queue}:pause`]: [() => tenant.api.post(`${path}/queues/mail:pause`)],
    [`get ${T}/queues`]: [() => tenant.api.get(`${path}/queues`)],
    [`get ${T}/queues/{queue}`]: ['mail', 'unheard-of'].map(
      (name) => () => tenant.api.get(`${path}/queues/${name}`),
    ),
    [`post ${T}/queues/{queue}:resume`]: [() => tenant.api.post(`${path}/queues/mail:resume`)],
    [`post ${T}/api-keys`]: [() => tenant.api.post(`${path}/api-keys`).send({ name: 'described' })],
    [`post ${T}/api-keys/{key}:revoke`]: [() => admin.post(`${path}/api-keys/${keyId}:revoke`)],
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
    [`patch ${T}/job-types/{jobType}`]: [
      () =>
        tenant.api
          .patch(`${path}/job-types/${http.name}`)
          .set('If-Match', '*')
          .send({ limits: { maxConcurrentPerKey: 1 } }),
    ],
    [`delete ${T}/job-types/{jobType}`]: [() => tenant.api.delete(`${path}/job-types/${http.name}`)],
    [`get ${T}/schedules`]: [() => tenant.api.get(`${path}/schedules`)],
    [`post ${T}/schedules`]: [
      () =>
        tenant.api
          .post(`${path}/schedules`)
          .send({ name: newName('described'), spec: { everySeconds: 60 }, jobType: 'noop' }),
    ],
    [`get ${T}/schedules/{schedule}`]: [often, cron, once].map(
      ({ name }) =>
        () =>
          tenant.api.get(`${path}/schedules/${name}`),
    ),
    [`patch ${T}/schedules/{schedule}`]: [
      () =>
        tenant.api
          .patch(`${path}/schedules/${cron.name}`)
          .set('If-Match', '*')
          .send({ timeZone: null, payload: { a: null } }),
    ],
    [`post ${T}/schedules/{schedule}:pause`]: [
      () => tenant.api.post(`${path}/schedules/${often.name}:pause`),
    ],
    [`post ${T}/schedules/{schedule}:resume`]: [
      () => tenant.api.post(`${path}/schedules/${often.name}:resume`),
    ],
    [`get ${T}/schedules/{schedule}/fires`]: [() => tenant.api.get(`${path}/schedules/${often.name}/fires`)],
    [`delete ${T}/schedules/{schedule}`]: [
      () => tenant.api.delete(`${path}/schedules/${often.name}`).set('If-Match', '*'),
    ],
    [`get ${T}/runs`]: [() => tenant.api.get(`${path}/runs`)],
    [`post ${T}/runs`]: [() => tenant.api.post(`${path}/runs`).send({ jobType: 'noop' })],
    [`get ${T}/runs/{run}`]: [ended, failed, later].map(
      ({ id }) =>
        () =>
          tenant.api.get(`${path}/runs/${id}`),
    ),
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

/** What Express really listens to, written as OpenAPI writes it. */
function servedRoutes(): string[] {
  const instance = server.running.app.getHttpAdapter().getInstance() as { router: { stack: unknown[] } };
  const layer = z.looseObject({
    route: z.looseObject({ path: z.string(), methods: z.record(z.string(), z.boolean()) }),
  });
  return instance.router.stack
    .flatMap((found) => layer.safeParse(found).data ?? [])
    .flatMap(({ route }) =>
      Object.keys(route.methods).map(
        (method) =>
          `${method} ${route.path
            .replaceAll('\\:', '(colon)')
            .replaceAll(/:(\w+)/g, '{$1}')
            .replaceAll('(colon)', ':')}`,
      ),
    );
}
