// Are many runs created as each of them would be, all or those that fit, and told apart?
import { describe, expect, it } from 'vitest';
import type { Response } from 'supertest';
import type { z } from 'zod';
import { batchResult } from '#server/http/runs/run-batch.shapes.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { openClient } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createTenant,
  finishedRun,
  listRuns,
  newName,
  readRun,
  secondsFromNow,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

let tenant: TestTenant;

const server = useTestServer();

const post = (body: object, { api, path } = tenant) => api.post(`${path}/runs:batchCreate`).send(body);

async function create(body: object, of = tenant): Promise<z.output<typeof batchResult>> {
  const response = await post(body, of);
  expect(response.status, response.text.slice(0, 500)).toBe(200);
  return batchResult.parse(response.body);
}

const codes = ({ results }: z.output<typeof batchResult>) =>
  results.map(({ error }) => (error === undefined ? 'ok' : `${error.code} ${error.pointer}`));
const later = () => secondsFromNow(3_600);
const huge = 'x'.repeat(262_143);

describe('a batch of runs', () => {
  it('creates every one, in the order given, and each runs', async () => {
    tenant = await createTenant(server);
    const runs = Array.from({ length: 50 }, (_, index) => ({ jobType: 'echo', payload: { index } }));
    const { created, failed, results } = await create({ runs });
    expect({ created, failed }).toEqual({ created: 50, failed: 0 });
    for (const [index, { id = '', ...result }] of results.entries()) {
      expect(result).toEqual({ index, deduplicated: false, replaced: false });
      expect(await finishedRun(tenant, { id })).toMatchObject({ state: 'succeeded', output: { index } });
    }
  });

  it('takes all that a single run takes', async () => {
    tenant = await createTenant(server);
    const runAt = later();
    const deadline = secondsFromNow(7_200);
    const run = {
      jobType: 'echo',
      payload: ['a', { b: '\u20ac"\\' }],
      queue: 'mail',
      concurrencyKey: 'k',
      tags: ['one', 'two "quoted", {braces}', 'three\\'],
      priority: -5,
      runAt,
      deadline,
    };
    const { results } = await create({ runs: [run, { jobType: 'noop' }] });
    expect(await readRun(tenant, results[0]?.id ?? '')).toMatchObject({ ...run, runAt, deadline });
    expect(await finishedRun(tenant, { id: results[1]?.id ?? '' })).toMatchObject({ tags: [], payload: {} });
  });

  it('may have ten thousand, and not more', async () => {
    tenant = await createTenant(server);
    const runs = Array.from({ length: 10_000 }, () => ({ jobType: 'noop', runAt: later() }));
    const { created, results } = await create({ runs });
    expect(created).toBe(10_000);
    expect(new Set(results.map(({ id }) => id)).size).toBe(10_000);
    expectProblem(await post({ runs: [...runs, { jobType: 'noop' }] }), 'validation-failed');
    expectProblem(await post({ runs: [] }), 'validation-failed');
  });

  it('may be larger than any other body', async () => {
    tenant = await createTenant(server);
    const runs = Array.from({ length: 20 }, () => ({
      jobType: 'noop',
      payload: huge.slice(2),
      runAt: later(),
    }));
    expect(await create({ runs })).toMatchObject({ created: 20 });
    expectProblem(
      await tenant.api.post(`${tenant.path}/schedules`).send({ payload: runs }),
      'payload-too-large',
    );
  });
});

describe('a large body without a key', () => {
  it('is refused before it is read', async () => {
    tenant = await createTenant(server);
    const body = '['.repeat(3_000_000); // read, it would be told that it is nested too deeply
    const response = await server.anonymous
      .post(`${tenant.path}/runs:batchCreate`)
      .type('json')
      .send(body)
      .catch((error: unknown) => error); // or the connection is closed while it is still being sent
    if (!(response instanceof Error)) expectProblem(response as Response, 'unauthenticated');
    expectProblem(
      await tenant.api.post(`${tenant.path}/runs:batchCreate`).type('json').send(body),
      'validation-failed',
    );
  });
});

describe('a batch with runs that can not be', () => {
  const mixed = [
    { jobType: 'noop', runAt: later() },
    { jobType: 'nobody.has-it' },
    { jobType: 'sleep', payload: { ms: 'x' } },
    { jobType: 'noop', colour: 'red' },
    5,
    { jobType: 'noop', payload: { list: ['a\0'] } },
    { jobType: 'noop', payload: huge },
    { jobType: 'noop', runAt: later() },
  ];

  it('creates the others per item, and says of each what is wrong', async () => {
    tenant = await createTenant(server);
    const answer = await create({ mode: 'per-item', runs: mixed });
    expect(answer).toMatchObject({ created: 2, failed: 6 });
    expect(codes(answer)).toEqual([
      'ok',
      'VALIDATION_FAILED /runs/1/jobType',
      'VALIDATION_FAILED /runs/2/payload/ms',
      'VALIDATION_FAILED /runs/3/colour',
      'VALIDATION_FAILED /runs/4',
      'VALIDATION_FAILED /runs/5/payload/list/0',
      'PAYLOAD_TOO_LARGE /runs/6/payload',
      'ok',
    ]);
    expect(await listRuns(tenant)).toHaveLength(2);
  });

  it('creates nothing as a whole, and names every one', async () => {
    tenant = await createTenant(server);
    const { errors = [] } = expectProblem(await post({ runs: mixed }), 'validation-failed');
    expect(errors.map(({ pointer }) => pointer)).toEqual([
      '/runs/1/jobType',
      '/runs/2/payload/ms',
      '/runs/3/colour',
      '/runs/4',
      '/runs/5/payload/list/0',
      '/runs/6/payload',
    ]);
    expect(await listRuns(tenant)).toEqual([]);
  });
});

describe('a batch with unique keys', () => {
  it('resolves each as it says, also against those of the same batch', async () => {
    tenant = await createTenant(server);
    const held = newName('held');
    const fresh = newName('fresh');
    const { results: before } = await create({
      runs: [{ jobType: 'echo', runAt: later(), unique: { key: held } }],
    });
    const run = (key: string, onConflict: string, payload: unknown) => ({
      jobType: 'echo',
      payload,
      runAt: later(),
      unique: { key, onConflict },
    });
    const answer = await create({
      mode: 'per-item',
      runs: [
        run(held, 'return', 1),
        run(fresh, 'return', 2),
        run(held, 'replace', 3),
        run(fresh, 'reject', 4),
        run(fresh, 'replace', 5),
        { jobType: 'echo', runAt: later() },
      ],
    });
    expect(codes(answer)).toEqual(['ok', 'ok', 'ok', 'ALREADY_EXISTS /runs/3/unique/key', 'ok', 'ok']);
    expect(answer).toMatchObject({ created: 2, failed: 1 });
    const [returned, created, replaced, , again] = answer.results;
    expect(returned).toMatchObject({ id: before[0]?.id, deduplicated: true, replaced: false });
    expect(replaced).toMatchObject({ id: before[0]?.id, deduplicated: true, replaced: true });
    expect(again).toMatchObject({ id: created?.id, replaced: true });
    expect(await readRun(tenant, before[0]?.id ?? '')).toMatchObject({ payload: 3 });
    expect(await readRun(tenant, created?.id ?? '')).toMatchObject({ payload: 5 });
    expect(await listRuns(tenant)).toHaveLength(3);
  });

  it('leaves nothing behind, not even a key, when it fails as a whole', async () => {
    tenant = await createTenant(server);
    const [free, held] = [newName('free'), newName('held')];
    await create({ runs: [{ jobType: 'noop', runAt: later(), unique: { key: held } }] });
    const reject = { jobType: 'noop', unique: { key: held, onConflict: 'reject' } };
    expectProblem(
      await post({ runs: [{ jobType: 'noop', unique: { key: free } }, reject] }),
      'already-exists',
    );
    expect(await listRuns(tenant)).toHaveLength(1);
    const { results } = await create({ runs: [{ jobType: 'noop', unique: { key: free } }] });
    expect(results[0]).toMatchObject({ deduplicated: false });
  });

  it('in opposite orders at once never keep each other waiting', async () => {
    tenant = await createTenant(server);
    const keys = Array.from({ length: 200 }, () => newName('key'));
    const batch = (order: readonly string[]) =>
      create({ runs: order.map((key) => ({ jobType: 'noop', runAt: later(), unique: { key } })) });
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => batch(index % 2 === 0 ? keys : keys.toReversed())),
    );
    expect(answers.map(({ created }) => created).reduce((a, b) => a + b)).toBe(200);
    expect(await listRuns(tenant, '?pageSize=200')).toHaveLength(200);
  });
});

describe("a tenant's limit of runs that are not over", () => {
  const limited = async (maxQueued: number) => {
    tenant = await createTenant(server);
    const client = await openClient(server.databaseUrl);
    await client.query(
      `update carillon.tenant set limits = jsonb_build_object('maxQueued', $1::int) where name = $2`,
      [maxQueued, tenant.name],
    );
  };
  const waiting = { jobType: 'noop', runAt: later() };
  const one = (body: object) => tenant.api.post(`${tenant.path}/runs`).send(body);

  it('is kept by single runs, and there is room again when runs have ended', async () => {
    await limited(3);
    for (let count = 0; count < 3; count += 1) expect((await one(waiting)).status).toBe(201);
    const refused = await one(waiting);
    expect(expectProblem(refused, 'quota-exceeded').detail).toContain('at most 3');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const client = await openClient(server.databaseUrl);
    await client.query(
      `update carillon.run set run_at = clock_timestamp() where tenant_id = (select id from carillon.tenant where name = $1)`,
      [tenant.name],
    );
    await until('there is room', async () => (await one(waiting)).status === 201);
  });

  it('refuses a whole batch, and of a batch per item what is too much', async () => {
    await limited(3);
    expectProblem(await post({ runs: Array.from({ length: 4 }, () => waiting) }), 'quota-exceeded');
    expect(await listRuns(tenant)).toEqual([]);
    const key = newName('key');
    const answer = await create({
      mode: 'per-item',
      runs: [
        waiting,
        waiting,
        { ...waiting, unique: { key: 'first' } },
        waiting,
        { ...waiting, unique: { key } },
        { ...waiting, unique: { key } },
      ],
    });
    expect(codes(answer)).toEqual([
      'ok',
      'ok',
      'ok',
      ...[3, 4, 5].map((index) => `QUOTA_EXCEEDED /runs/${index}`),
    ]);
    // Who asks for a run that is there adds none.
    expect((await one({ ...waiting, unique: { key: 'first' } })).status).toBe(200);
    expectProblem(await one({ ...waiting, unique: { key } }), 'quota-exceeded');
  });
});

describe('a suspended tenant', () => {
  it('gets no new runs', async () => {
    tenant = await createTenant(server);
    const client = await openClient(server.databaseUrl);
    await client.query(`update carillon.tenant set state = 'suspended' where name = $1`, [tenant.name]);
    expect(
      expectProblem(await tenant.api.post(`${tenant.path}/runs`).send({ jobType: 'noop' }), 'invalid-state'),
    ).toMatchObject({ currentState: 'suspended' });
    expectProblem(await post({ runs: [{ jobType: 'noop' }] }), 'invalid-state');
  });
});
