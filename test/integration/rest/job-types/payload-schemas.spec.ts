// Is a payload checked against the JSON Schema that its job type has, before its run is created?
import { describe, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { watchLoop } from '../../../support/loop-watch.js';
import { useTestServer } from '../../../support/test-server.js';
import { createJobType, finish, newName, useTenant } from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

const post = (path: string, body: object) => tenant.api.post(`${tenant.path}/${path}`).send(body);

const payloadSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['to'],
  properties: {
    to: { type: 'string', pattern: '^[a-z]+@[a-z]+$' },
    parts: { type: 'array', items: { $ref: '#/$defs/part' } },
  },
  additionalProperties: false,
  $defs: { part: { type: 'integer', minimum: 1 } },
};

describe('a job type with a payload schema', () => {
  it('is shown with it', async () => {
    const outputSchema = { type: 'array' };
    const created = await createJobType(tenant, { payloadSchema, outputSchema });
    expect(created).toMatchObject({ payloadSchema, outputSchema });
    const { body } = await tenant.api.get(`${tenant.path}/job-types/${created.name}`).expect(200);
    expect(body).toMatchObject({ payloadSchema, outputSchema });
    expect(await createJobType(tenant)).toMatchObject({ payloadSchema: null, outputSchema: null });
  });

  it('takes payloads that fit, and refuses others wherever they come in', async () => {
    const { name: jobType } = await createJobType(tenant, { payloadSchema });
    const good = { to: 'a@b', parts: [1, 2] };
    expect(await finish(tenant, { jobType, payload: good })).toMatchObject({ state: 'succeeded' });
    const bad = { to: 'nobody', parts: [1, 0], more: true };
    const fields = ['/payload/more', '/payload/to', '/payload/parts/1'];
    const sorted = (found: string[]) => found.toSorted((a, b) => a.localeCompare(b));
    expect(sorted(expectFields(await post('runs', { jobType, payload: bad })))).toEqual(sorted(fields));
    expect(expectFields(await post('runs', { jobType }))).toEqual(['/payload/to']);
    const schedule = { name: newName('s'), spec: { everySeconds: 60 }, jobType, payload: bad };
    expect(sorted(expectFields(await post('schedules', schedule)))).toEqual(sorted(fields));
    const { body } = await post('runs:batchCreate', {
      mode: 'per-item',
      runs: [
        { jobType, payload: good },
        { jobType, payload: 5 },
      ],
    }).expect(200);
    expect(body).toMatchObject({
      created: 1,
      results: [{}, { error: { code: 'VALIDATION_FAILED', pointer: '/runs/1/payload' } }],
    });
  });

  it('may demand fields by names that every object of JavaScript has', async () => {
    const schema = { required: ['constructor'], dependentRequired: { a: ['toString'] } };
    const { name: jobType } = await createJobType(tenant, { payloadSchema: schema });
    expect(expectFields(await post('runs', { jobType, payload: { a: 1 } }))).toEqual([
      '/payload/constructor',
      '/payload/toString',
    ]);
    expect(expectFields(await post('runs', { jobType, payload: { a: 1, constructor: 1 } }))).toEqual([
      '/payload/toString',
    ]);
    const schedule = { name: newName('s'), spec: { everySeconds: 60 }, jobType };
    expect(expectFields(await post('schedules', schedule))).toEqual(['/payload/constructor']);
    const { body } = await post('runs:batchCreate', {
      mode: 'per-item',
      runs: [{ jobType }, { jobType, payload: { constructor: 1 } }],
    }).expect(200);
    expect(body).toMatchObject({ created: 1, results: [{ error: { code: 'VALIDATION_FAILED' } }, {}] });
  });

  it('asks for more than its handler does, and not for less', async () => {
    const wish = {
      target: { kind: 'handler', handler: 'sleep' },
      payloadSchema: { properties: { ms: { maximum: 5 } } },
    };
    const { name: jobType } = await createJobType(tenant, wish);
    expect(expectFields(await post('runs', { jobType, payload: { ms: 6 } }))).toEqual(['/payload/ms']);
    expect(expectFields(await post('runs', { jobType, payload: {} }))).toEqual(['/payload/ms']);
    expect(await finish(tenant, { jobType, payload: { ms: 5 } })).toMatchObject({ state: 'succeeded' });
  });

  it('of strangers can not hold the server up', async () => {
    const { name: jobType } = await createJobType(tenant, { payloadSchema: { pattern: '^(a+)+$' } });
    const loop = watchLoop();
    expect(expectFields(await post('runs', { jobType, payload: `${'a'.repeat(60)}b` }))).toEqual([
      '/payload',
    ]);
    loop.stop();
    expect(loop.longestMs()).toBeLessThan(250);
  });
});
