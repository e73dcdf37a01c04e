// Is the API's description true? It names every route there is, says what each wants and gives, and every
// answer of a real server fits it.
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  operationsOf,
  readDescription,
  servedRoutes,
  type ApiDescription,
  type Operation,
} from '../../../support/api-description.js';
import { callsOf } from '../../../support/api-calls.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import { createTenant } from '../../../support/test-tenant.js';

let api: ApiDescription;
let operations: Operation[];

const server = useTestServer();

beforeAll(async () => {
  api = await readDescription(server);
  operations = operationsOf(api);
});

const nameOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;

describe('the description', () => {
  it('is OpenAPI 3.1, and JSON alone', async () => {
    expect(api.openapi).toMatch(/^3\.1\.\d$/);
    expect(api.info).toMatchObject({ title: 'Carillon' });
    await server.anonymous.get('/openapi.yaml').expect(404);
  });

  it('names every route that the application serves, and no other', () => {
    // Middleware is bound to every path, and the description's own routes don't describe themselves.
    const served = servedRoutes(server).filter((route) => / \/(?!docs|openapi|$)/.test(route));
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
      const { path, security = [] } = operation;
      const keyed = path.startsWith('/api/') ? [{ bearer: [] }] : [];
      // A lease's token stands for a key.
      const expected = path.includes('/leases/{token}') ? [{}, ...keyed] : keyed;
      expect(security, nameOf(operation)).toEqual(expected);
    }
  });

  it('says of every operation what success looks like, and that all else is a problem', () => {
    for (const operation of operations) {
      const good = Object.keys(operation.responses).filter((status) => status.startsWith('2'));
      // Creating a run answers 200, too, when a run holds its unique key; and what is applied may be there already.
      const isCreating = nameOf(operation).endsWith('/runs') && good.includes('201');
      // What an operation does can be tried first.
      const mayTry = good.includes('202') && good.includes('200');
      const count = isCreating || mayTry || operation.method === 'put' ? 2 : 1;
      expect(good, nameOf(operation)).toHaveLength(count);
      for (const status of good) {
        expect('content' in (operation.responses[status] ?? {}), nameOf(operation)).toBe(status !== '204');
      }
      expect(operation.responses['default'], nameOf(operation)).toEqual({
        $ref: '#/components/responses/Problem',
      });
    }
    expect(api.components.responses['Problem']?.content).toHaveProperty('application/problem+json');
  });

  it('says where an ETag is wanted, and that a patch may be a merge patch', () => {
    const wanting = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'If-Match'));
    expect(wanting.map(nameOf)).toEqual([
      // Which may have one, and needs none, as each put does.
      'put /api/v1/tenants/{tenant}',
      'patch /api/v1/tenants/{tenant}',
      'put /api/v1/tenants/{tenant}/calendars/{calendar}',
      'delete /api/v1/tenants/{tenant}/calendars/{calendar}',
      'put /api/v1/tenants/{tenant}/job-types/{jobType}',
      'patch /api/v1/tenants/{tenant}/job-types/{jobType}',
      'delete /api/v1/tenants/{tenant}/job-types/{jobType}',
      'put /api/v1/tenants/{tenant}/locks/{lock}',
      'delete /api/v1/tenants/{tenant}/locks/{lock}',
      'put /api/v1/tenants/{tenant}/schedules/{schedule}',
      'patch /api/v1/tenants/{tenant}/schedules/{schedule}',
      'delete /api/v1/tenants/{tenant}/schedules/{schedule}',
    ]);
    expect(Object.keys(wanting[1]?.requestBody?.content ?? {})).toContain('application/merge-patch+json');
  });

  it('names no bound that only the reading of numbers has', () => {
    const text = JSON.stringify(api);
    expect(text).toContain('"minimum":1');
    expect(text).not.toContain(String(Number.MAX_SAFE_INTEGER));
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
      const { $ref } = operation.requestBody?.content['application/json']?.schema ?? {};
      if (typeof $ref === 'string')
        expect(api.components.schemas[$ref.split('/').at(-1) ?? ''], nameOf(operation)).toMatchObject({
          type: 'object',
          additionalProperties: false,
        });
    }
    for (const name of ['Tenant', 'Run', 'Schedule', 'JobType'])
      expect(api.components.schemas[name], name).not.toHaveProperty('additionalProperties');
  });

  it('leads a browser from the root to its page, and no other caller', async () => {
    const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    const { headers } = await server.anonymous.get('/').set('Accept', browser).expect(302);
    expect(new URL(String(headers['location']), server.url).pathname).toBe('/docs');
    for (const accept of ['*/*', 'application/json'])
      expectProblem(await server.anonymous.get('/').set('Accept', accept), 'not-found');
  });

  it('has a page that keeps the key over a reload, and asks no other host', async () => {
    const { text } = await server.anonymous.get('/docs/swagger-ui-init.js').expect(200);
    expect(text).toMatch(/"persistAuthorization": true/);
    expect(text).toMatch(/"validatorUrl": null/);
    // What it shows is in the script, so that it asks for no other file either.
    expect(text).toContain('"operationId": "createTenant"');
    const { headers } = await server.anonymous.get('/docs').expect(200);
    expect(headers['content-security-policy']).toMatch(
      /default-src 'none'; script-src 'self';.*connect-src 'self'/,
    );
  });

  it('has a page that loads nothing from elsewhere', async () => {
    const { text, type } = await server.anonymous.get('/docs').expect(200);
    expect(type).toBe('text/html');
    expect(text).toContain('<title>Carillon API</title>');
    // An inline script would not run under the page's policy.
    expect(text).not.toMatch(/<script(?![^>]*src=)[^>]*>\s*\S/);
    const loaded = [...text.matchAll(/(?:src|href)=["']([^"']+)["']/g)].map(([, url = '']) => url);
    expect(loaded.length).toBeGreaterThan(2);
    for (const url of loaded) {
      expect(url).not.toMatch(/^(https?:)?\/\//);
      await server.anonymous.get(new URL(url, `${server.url}/docs`).pathname).expect(200);
    }
  });
});

describe('every read', () => {
  it('refuses a query parameter that it does not know', async () => {
    const tenant = await createTenant(server);
    const reads = operations.filter(({ method, path }) => method === 'get' && path.startsWith('/api/'));
    expect(reads.length).toBeGreaterThan(20);
    for (const { path, parameters } of reads) {
      const real = path.replace('{tenant}', tenant.name).replaceAll(/\{\w+\}/g, randomUUID());
      const wanted = parameters.filter((given) => given.in === 'query' && given.required === true);
      const query = Object.fromEntries([...wanted.map(({ name }) => [name, tenant.name]), ['unheard', 'of']]);
      const key = path.includes('{tenant}') ? tenant.key : undefined;
      const api = key === undefined ? server.admin : server.as(key);
      // A name is no value for each parameter that is wanted.
      const unwanted = expectFields(await api.get(real).query(query)).filter(
        (field) => !wanted.some(({ name }) => field === `?${name}`),
      );
      expect(unwanted, path).toEqual(['?unheard']);
    }
  });
});

describe('every operation', () => {
  // The agent compares each answer with the description.
  it('answers as the description says', async () => {
    const tenant = await createTenant(server);
    const called = await callsOf(server, tenant);
    for (const [name, calls] of Object.entries(called))
      for (const call of calls) expect((await call()).status, name).toBeLessThan(300);
    expect(Object.keys(called).toSorted()).toEqual(operations.map(nameOf).toSorted());
  });
});
