// Does the API keep HTTP's own rules on every route? The description says which routes there are; for each of them
// a method that it lacks, a body that it does not read, an ETag that it gives, and the headers that tell a browser
// how to treat an answer are looked at, so that a new route can't be forgotten.
import type { Response } from 'supertest';
import { beforeAll, describe, expect, it } from 'vitest';
import { operationsOf, readDescription, type Operation } from '../../../support/api-description.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import { createJobType, createSchedule, newName, useTenant } from '../../../support/test-tenant.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const SOME_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

let operations: Operation[];

const server = useTestServer();
const tenant = useTenant(server);

beforeAll(async () => {
  operations = operationsOf(await readDescription(server));
});

function pathOf(template: string): string {
  return template
    .replace('{tenant}', tenant.name)
    .replace(/\{(run|key|worker|secret|operation)\}/, SOME_ID)
    .replaceAll(/\{\w+\}/g, 'anything');
}

/** The methods of each described path, as Allow names them. */
function allowed(): Map<string, string[]> {
  const byPath = new Map<string, Set<string>>();
  for (const { path, method } of operations) {
    const methods = byPath.get(path) ?? new Set(['OPTIONS']);
    methods.add(method.toUpperCase());
    if (method === 'get') methods.add('HEAD');
    byPath.set(path, methods);
  }
  return new Map([...byPath].map(([path, methods]) => [path, [...methods].toSorted()]));
}

const allowOf = ({ headers }: Response): string[] => (headers['allow'] ?? '').split(', ').toSorted();

describe('a path of the description', () => {
  it('answers a method that it lacks with 405 and those that it has', async () => {
    expect(allowed().size).toBeGreaterThan(40);
    for (const [path, methods] of allowed()) {
      for (const method of METHODS) {
        if (methods.includes(method.toUpperCase())) continue;
        const response = await server.admin[method](pathOf(path));
        expectProblem(response, 'method-not-allowed');
        expect(allowOf(response), `${method} ${path}`).toEqual(methods);
      }
    }
  });

  it('answers OPTIONS with 204 and the methods that it has', async () => {
    for (const [path, methods] of allowed()) {
      const response = await server.anonymous.options(pathOf(path)).expect(204);
      expect(allowOf(response), path).toEqual(methods);
    }
  });

  it('is no verb of a thing when it only looks like one', async () => {
    expectProblem(await server.admin.post(`${tenant.path}:explode`), 'not-found');
    expectProblem(await tenant.api.delete(`${tenant.path}/schedules/nightly:explode`), 'not-found');
    expect(allowOf(await server.admin.get(`${tenant.path}:suspend`))).toEqual(['OPTIONS', 'POST']);
  });
});

describe('a route without a body', () => {
  it('refuses one that says anything, and names what it says', async () => {
    const bodiless = operations.filter(
      ({ requestBody, path, method }) =>
        requestBody === undefined && path.startsWith('/api/') && ['post', 'delete'].includes(method),
    );
    expect(bodiless.length).toBeGreaterThan(15);
    for (const { method, path } of bodiless) {
      const send = (body: object) =>
        server.admin[method as 'post'](pathOf(path)).set('If-Match', '*').send(body);
      const response = await send({ reason: 'described' });
      expect(expectFields(response), `${method} ${path}`).toEqual(['/reason']);
      expect(expectFields(await send([])), `${method} ${path}`).toEqual(['']);
    }
  });

  it('takes an empty one for none', async () => {
    const { name } = await createSchedule(tenant);
    await tenant.api.post(`${tenant.path}/schedules/${name}:pause`).send({}).expect(200);
    await tenant.api.post(`${tenant.path}/schedules/${name}:resume`).expect(200);
  });
});

describe('an ETag', () => {
  it('is given with all that has a revision, is strong, and is accepted', async () => {
    const { name: jobType } = await createJobType(tenant);
    const { name: schedule } = await createSchedule(tenant);
    const target = { kind: 'handler', handler: 'noop' };
    const spec = { everySeconds: 60 };
    const { admin } = server;
    const { path } = tenant;
    const revised: [string, string, object][] = [
      [path, '/api/v1/tenants', { name: newName('etag') }],
      [`${path}/job-types/${jobType}`, `${path}/job-types`, { name: newName('etag'), target }],
      [
        `${path}/schedules/${schedule}`,
        `${path}/schedules`,
        { name: newName('etag'), spec, jobType: 'noop' },
      ],
    ];
    for (const [thing, list, input] of revised) {
      const created = await admin.post(list).send(input).expect(201);
      await accepted(created.headers['location'] ?? '', created);
      const verbs = thing === path ? ['suspend', 'resume'] : ['pause', 'resume'];
      await accepted(thing, await admin.get(thing).expect(200));
      for (const verb of verbs) {
        const steered = await admin.post(`${thing}:${verb}`).expect(200);
        if (verb !== 'suspend') await accepted(thing, steered);
        else expect(steered.headers['etag']).toMatch(/^"\d+"$/);
      }
    }
  });

  it('is not made up for what has no revision', async () => {
    for (const path of ['', '/runs', '/schedules', '/job-types', '/queues/mail'].map(
      (end) => tenant.path + end,
    )) {
      const { headers } = await server.admin.get(path).expect(200);
      expect(headers['etag'] ?? '"1"').toMatch(/^"\d+"$/);
    }
  });

  it('is wanted when a job type is deleted', async () => {
    const { name } = await createJobType(tenant);
    const remove = () => tenant.api.delete(`${tenant.path}/job-types/${name}`);
    expectProblem(await remove(), 'precondition-required');
    expect(expectProblem(await remove().set('If-Match', '"99"'), 'etag-mismatch').currentRevision).toBe(1);
    await remove().set('If-Match', '"1"').expect(204);
  });

  async function accepted(path: string, { headers }: Response): Promise<void> {
    const etag = headers['etag'] ?? '';
    expect(etag, path).toMatch(/^"\d+"$/);
    const patch = path.includes('/schedules/')
      ? { payload: { a: 1 } }
      : path.includes('/job-types/')
        ? { timeoutSeconds: 1 }
        : { weight: 3 };
    const changed = await server.admin.patch(path).set('If-Match', etag).send(patch).expect(200);
    await server.admin
      .patch(path)
      .set('If-Match', changed.headers['etag'] ?? '')
      .send(patch)
      .expect(200);
  }
});

describe('every answer', () => {
  it('keeps its connection for longer than a load balancer keeps an idle one', async () => {
    const response = await fetch(`${server.url}/healthz/ready`);
    await response.arrayBuffer();
    const [, seconds] = /timeout=(\d+)/.exec(response.headers.get('keep-alive') ?? '') ?? [];
    expect(Number(seconds)).toBeGreaterThan(60);
  });

  it('says how a browser must treat it', async () => {
    const answers = [
      await server.admin.get(tenant.path).expect(200),
      await server.anonymous.get(tenant.path).expect(401),
      await server.admin.get('/api/v1/nothing').expect(404),
      await server.anonymous.put('/api/v1/tenants').expect(405),
      await server.admin.post('/api/v1/tenants').type('json').send('{').expect(400),
    ];
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      });
    }
  });

  it('of the page of the description lets it load what is served here, and run nothing else', async () => {
    const { headers, text } = await server.anonymous.get('/docs').redirects(1).expect(200);
    const policy = headers['content-security-policy'] ?? '';
    expect(policy).toContain("script-src 'self';");
    // A script within the page would not run.
    expect(text).not.toMatch(/<script(?![^>]*\ssrc=)/);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
  });
});
