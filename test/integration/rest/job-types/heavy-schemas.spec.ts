// Does a schema that costs minutes to check or to compile, or fills a heap, cost its tenant an error and its replica
// nothing? Asked of a replica over REST: of payloads, outputs and schemas themselves.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { watchProcess, type ProcessWatch } from '../../../support/loop-watch.js';
import { useTestServer } from '../../../support/test-server.js';
import { createJobType, finish, useTenant } from '../../../support/test-tenant.js';

let watch: ProcessWatch;

const server = useTestServer();
const tenant = useTenant(server);
beforeEach(() => {
  watch = watchProcess();
});
afterEach(() => watch.judge());

const post = (path: string, body: object) => tenant.api.post(`${tenant.path}/${path}`).send(body);
const repeat = <Part>(times: number, part: (n: number) => Part): Part[] =>
  Array.from({ length: times }, (_, n) => part(n));

const COSTLY = 'can be checked within 500 ms and 64 MB';

describe('a payload that costs minutes to check', () => {
  it.each([
    ['does not fit', { items: { anyOf: repeat(500, (n) => ({ const: n })) } }, repeat(20_000, () => 999)],
    ['fits', { items: { enum: [...repeat(4_000, (n) => n + 10), 7] } }, repeat(120_000, () => 7)],
  ])('and %s is refused', async (_, payloadSchema, payload) => {
    const { name: jobType } = await createJobType(tenant, { payloadSchema });
    const refused = await post('runs', { jobType, payload });
    expect(expectFields(refused)[0]).toMatch(/^\/payload/);
  });

  it('in a batch is bounded with all others of the batch', async () => {
    const { name: jobType } = await createJobType(tenant, { payloadSchema: { pattern: '^(a+)+$' } });
    const runs = repeat(50, (n) => ({ jobType, payload: `${'a'.repeat(50)}${n}b` }));
    const { body } = await post('runs:batchCreate', { mode: 'per-item', runs }).expect(200);
    expect(body).toMatchObject({ created: 0, failed: 50 });
    const { results } = body as { results: { error: { pointer: string; detail: string } }[] };
    expect(results[0]?.error).toMatchObject({ detail: expect.stringContaining(COSTLY) as string });
    expect(results[49]?.error).toMatchObject({
      pointer: '/runs/49/payload',
      detail: expect.stringContaining('of a request to be checked within 2000 ms') as string,
    });
  });
});

describe('an output that costs a heap to check', () => {
  it('fails its run, and nothing else happens', async () => {
    const outputSchema = { items: { allOf: repeat(100, () => ({ type: 'string' })) } };
    const target = { kind: 'handler', handler: 'echo' };
    const { name: jobType } = await createJobType(tenant, { target, outputSchema });
    const run = await finish(tenant, { jobType, payload: repeat(120_000, () => 0) });
    expect(run).toMatchObject({ state: 'failed', attempt: 1, error: { name: 'InvalidOutput' } });
    expect(run.error?.message).toContain('/0: expected it to be string');
  });
});

describe('a schema', () => {
  it('that can not be used is named when a worker registers with it, and nothing is written', async () => {
    const jobTypes = [
      { name: 'fit', payloadSchema: { type: 'string' } },
      { name: 'unfit', payloadSchema: { properties: { a: { pattern: '(' } } } },
    ];
    const refused = await post('worker/workers:register', { name: 'w', jobTypes, concurrency: 1 });
    expect(refused.status).toBe(422);
    expect(expectFields(refused)[0]).toBe('/jobTypes/1/payloadSchema');
    expect((await tenant.api.get(`${tenant.path}/job-types/fit`)).status).toBe(404);
  });

  it('of many references to one definition is compiled without copies of it', async () => {
    const part = { properties: Object.fromEntries(repeat(50, (n) => [`p${n}`, { type: 'string' }])) };
    const payloadSchema = { $defs: { part }, allOf: repeat(200, () => ({ $ref: '#/$defs/part' })) };
    const { name: jobType } = await createJobType(tenant, { payloadSchema });
    expect(expectFields(await post('runs', { jobType, payload: { p7: 7 } }))[0]).toBe('/payload/p7');
    expect(await finish(tenant, { jobType, payload: { p7: '7' } })).toMatchObject({ state: 'succeeded' });
  });

  it('of 64 KB is compiled, or refused by its name', async () => {
    const payloadSchema = { anyOf: repeat(1_500, (n) => ({ required: [`p${n}`], minProperties: n })) };
    const wish = { name: 'large', target: { kind: 'pull' }, payloadSchema };
    const answer = await post('job-types', wish);
    expect(answer.status === 201 ? [] : expectFields(answer)).toEqual(
      answer.status === 201 ? [] : ['/payloadSchema'],
    );
  });
});
