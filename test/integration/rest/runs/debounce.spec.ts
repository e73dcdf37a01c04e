// Do many calls with one debounce key become one run, through any replica and however they cross?
import { describe, expect, it } from 'vitest';
import { createdRun } from '#server/http/runs/run.shapes.js';
import { batchResult } from '#server/http/runs/run-batch.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { openClient } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createTenant,
  finishedRun,
  listRuns,
  newName,
  readRun,
  secondsFromNow,
  useTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const other = useTestServer({ beside: server, env: { CARILLON_NAME: 'other' } });
const tenant = useTenant(server);

const HOUR = 3_600;
const hourly = (key: string) => ({ key, delaySeconds: HOUR, maxDelaySeconds: 2 * HOUR });

const post = (body: object, api = tenant.api) =>
  api.post(`${tenant.path}/runs`).send({ jobType: 'echo', ...body });

async function ask(body: object, api = tenant.api) {
  const response = await post(body, api);
  return { status: response.status, ...createdRun.parse(response.body) };
}

async function askBatch(runs: readonly object[], mine = tenant) {
  const { body } = await mine.api
    .post(`${mine.path}/runs:batchCreate`)
    .send({ runs: runs.map((run) => ({ jobType: 'echo', ...run })) })
    .expect(200);
  return batchResult.parse(body);
}

/** Its instant has come. */
async function makeDue(id: string): Promise<void> {
  const client = await openClient(server.databaseUrl);
  await client.query(`update carillon.run set run_at = clock_timestamp() where id = $1`, [id]);
}

describe('a debounced call', () => {
  it('makes a run that starts after the delay', async () => {
    const made = await ask({ debounce: hourly(newName('key')) });
    expect(made).toMatchObject({ status: 201, deduplicated: false, replaced: false, state: 'scheduled' });
    expect(Date.parse(made.runAt) - Date.parse(made.createdAt)).toBe(HOUR * 1_000);
  });

  it('makes a run that starts by itself, and not before its instant', async () => {
    const debounce = { key: newName('key'), delaySeconds: 1, maxDelaySeconds: 5 };
    const ended = await finishedRun(tenant, await ask({ debounce, payload: { n: 1 } }));
    expect(ended).toMatchObject({ state: 'succeeded', output: { n: 1 } });
    expect(Date.parse(ended.startedAt ?? '') - Date.parse(ended.createdAt)).toBeGreaterThanOrEqual(1_000);
  });

  it('gives the run that waits its values, and moves it', async () => {
    const debounce = hourly(newName('key'));
    const first = await ask({ debounce, payload: { n: 1 }, tags: ['old'], concurrencyKey: 'a' });
    const second = await ask({ debounce, payload: { n: 2 }, priority: 7, queue: 'other' });
    expect(second).toMatchObject({
      status: 200,
      id: first.id,
      deduplicated: true,
      replaced: true,
      payload: { n: 2 },
      priority: 7,
      queue: 'other',
      tags: [],
      concurrencyKey: null,
      createdAt: first.createdAt,
    });
    expect(Date.parse(second.runAt)).toBeGreaterThan(Date.parse(first.runAt));
    await makeDue(first.id);
    expect(await finishedRun(tenant, first)).toMatchObject({ output: { n: 2 } });
  });

  it('moves it no further than the greatest delay since the first call', async () => {
    const debounce = hourly(newName('key'));
    const first = await ask({ debounce });
    const client = await openClient(server.databaseUrl);
    await client.query(
      `update carillon.run set created_at = created_at - interval '90 minutes' where id = $1`,
      [first.id],
    );
    const second = await ask({ debounce });
    expect(Date.parse(second.runAt) - Date.parse(second.createdAt)).toBe(2 * HOUR * 1_000);
  });

  it('leaves a run alone that has been let in, and makes a new one', async () => {
    const debounce = hourly(newName('key'));
    const first = await ask({ debounce, jobType: 'sleep', payload: { ms: 86_000_000 } });
    await makeDue(first.id);
    await until('it runs', async () => (await readRun(tenant, first.id)).state === 'running');
    const second = await ask({ debounce, jobType: 'sleep', payload: { ms: 1 } });
    expect(second).toMatchObject({ status: 201, deduplicated: false });
    expect(second.id).not.toBe(first.id);
    expect(await ask({ debounce, jobType: 'sleep', payload: { ms: 2 } })).toMatchObject({ id: second.id });
  });

  it('makes a new run after the one that waited was cancelled, alone or with others', async () => {
    const debounce = hourly(newName('key'));
    const first = await ask({ debounce, tags: ['unwanted'] });
    await tenant.api.post(`${tenant.path}/runs/${first.id}:cancel`).expect(200);
    expect(await readRun(tenant, first.id)).toMatchObject({ state: 'cancelled' });
    const second = await ask({ debounce, tags: ['unwanted'] });
    expect(second.status).toBe(201);
    await tenant.api
      .post(`${tenant.path}/runs:cancel`)
      .send({ filter: { tag: 'unwanted' } })
      .expect(200);
    expect(await readRun(tenant, second.id)).toMatchObject({ state: 'cancelled' });
    expect((await ask({ debounce })).status).toBe(201);
  });

  it('is told from one of another tenant (I10), another job type and another key', async () => {
    const debounce = hourly(newName('key'));
    const first = await ask({ debounce });
    const stranger = await createTenant(server);
    const foreign = await stranger.api.post(`${stranger.path}/runs`).send({ jobType: 'echo', debounce });
    expect(foreign.status).toBe(201);
    expect((await ask({ debounce, jobType: 'noop' })).status).toBe(201);
    expect((await ask({ debounce: hourly(newName('key')) })).status).toBe(201);
    expect(await ask({ debounce })).toMatchObject({ status: 200, id: first.id });
  });

  it('that was cancelled and is retried runs at once', async () => {
    const first = await ask({ debounce: hourly(newName('key')), payload: { n: 3 } });
    await tenant.api.post(`${tenant.path}/runs/${first.id}:cancel`).expect(200);
    await tenant.api.post(`${tenant.path}/runs/${first.id}:retry`).expect(200);
    expect(await finishedRun(tenant, first)).toMatchObject({ state: 'succeeded', output: { n: 3 } });
  });

  it('that passes its deadline while it waits expires', async () => {
    const first = await ask({ debounce: hourly(newName('key')), deadline: secondsFromNow(2 * HOUR) });
    const client = await openClient(server.databaseUrl);
    await client.query(`update carillon.run set deadline = clock_timestamp() where id = $1`, [first.id]);
    expect(await finishedRun(tenant, first)).toMatchObject({ state: 'expired' });
  });
});

describe('debounced calls at once', () => {
  it('make one run through two replicas, and the last answer has its values', async () => {
    const debounce = hourly(newName('key'));
    const apis = [tenant.api, other.as(tenant.key)];
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => ask({ debounce, payload: { n } }, apis[n % 2])),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const last = await ask({ debounce, payload: { n: 'last' } });
    await makeDue(last.id);
    expect(await finishedRun(tenant, last)).toMatchObject({ output: { n: 'last' } });
  });

  it('each have their values run, or those of a later call, however runs are let in meanwhile', async () => {
    const mine = await createTenant(server);
    const key = newName('key');
    const apis = [mine.api, other.as(mine.key)];
    const client = await openClient(server.databaseUrl);
    const last = new Map<string, number>();
    for (let n = 0; last.size < 4; n += 1) {
      const hurry = client.query(
        `update carillon.run set run_at = clock_timestamp() where slot < 0 and debounce_key = $1`,
        [key],
      );
      const { body, status } = await (apis[n % 2] ?? mine.api)
        .post(`${mine.path}/runs`)
        .send({ jobType: 'echo', payload: n, debounce: hourly(key) });
      expect([200, 201]).toContain(status);
      last.set(createdRun.parse(body).id, n);
      await hurry;
    }
    await client.query(
      `update carillon.run set run_at = clock_timestamp() where slot < 0 and debounce_key = $1`,
      [key],
    );
    await until('all have ended', async () =>
      (await listRuns(mine, '?pageSize=200')).every(({ finishedAt }) => finishedAt !== null),
    );
    const runs = await listRuns(mine, '?pageSize=200');
    expect(new Map(runs.map(({ id, output }) => [id, output]))).toEqual(last);
  });

  it('are one run in batches that name several keys in different orders', async () => {
    const keys = Array.from({ length: 20 }, () => newName('key'));
    const runs = keys.map((key) => ({ debounce: hourly(key) }));
    const batches = await Promise.all(
      Array.from({ length: 6 }, (_, index) => askBatch(index % 2 === 0 ? runs : runs.toReversed())),
    );
    const ids = new Set(batches.flatMap(({ results }) => results.map(({ id }) => id)));
    expect(ids.size).toBe(20);
    expect(batches.reduce((sum, { created }) => sum + created, 0)).toBe(20);
  });

  it('are one run in a batch that names the key twice, beside others', async () => {
    const debounce = hourly(newName('key'));
    const unique = { key: newName('key') };
    const runAt = secondsFromNow(HOUR);
    const { created, results } = await askBatch([
      { debounce, payload: 1 },
      { unique, runAt },
      { payload: 2, runAt },
      { debounce, payload: 3 },
    ]);
    expect(created).toBe(3);
    expect(results.map(({ deduplicated }) => deduplicated)).toEqual([false, false, false, true]);
    expect(results[3]?.id).toBe(results[0]?.id);
    expect(await readRun(tenant, results[0]?.id ?? '')).toMatchObject({ payload: 3 });
    expect(await readRun(tenant, results[2]?.id ?? '')).toMatchObject({ payload: 2 });
  });
});

describe('a tenant that has as many runs as it may have', () => {
  it('moves the one that waits, and makes no other', async () => {
    const mine = await createTenant(server);
    await server.admin
      .patch(mine.path)
      .set('If-Match', '*')
      .send({ limits: { maxQueued: 1 } })
      .expect(200);
    const send = (key: string) =>
      mine.api.post(`${mine.path}/runs`).send({ jobType: 'echo', debounce: hourly(key) });
    const first = createdRun.parse((await send('a').expect(201)).body);
    expect((await send('a').expect(200)).body).toMatchObject({ id: first.id, replaced: true });
    expectProblem(await send('b'), 'quota-exceeded');
    const { failed, results } = batchResult.parse(
      (
        await mine.api
          .post(`${mine.path}/runs:batchCreate`)
          .send({
            mode: 'per-item',
            runs: ['b', 'a'].map((key) => ({ jobType: 'echo', debounce: hourly(key) })),
          })
          .expect(200)
      ).body,
    );
    expect(failed).toBe(1);
    expect(results[1]).toMatchObject({ id: first.id, replaced: true });
  });
});

describe('a request', () => {
  const debounce = hourly('k');
  it.each([
    [{ debounce: { ...debounce, key: '' } }, '/debounce/key'],
    [{ debounce: { ...debounce, key: 'k'.repeat(201) } }, '/debounce/key'],
    [{ debounce: { ...debounce, delaySeconds: 0.5 } }, '/debounce/delaySeconds'],
    [{ debounce: { ...debounce, delaySeconds: 86_401, maxDelaySeconds: 90_000 } }, '/debounce/delaySeconds'],
    [{ debounce: { ...debounce, maxDelaySeconds: HOUR - 1 } }, '/debounce/maxDelaySeconds'],
    [{ debounce: { key: 'k', delaySeconds: 5 } }, '/debounce/maxDelaySeconds'],
    [{ debounce: { ...debounce, mode: 'x' } }, '/debounce/mode'],
    [{ debounce: 5 }, '/debounce'],
    [{ debounce, delaySeconds: 5 }, '/delaySeconds'],
    [{ debounce, runAt: secondsFromNow(HOUR) }, '/runAt'],
    [{ debounce, unique: { key: 'a' } }, '/unique'],
    [{ debounce, deadline: secondsFromNow(HOUR - 60) }, '/deadline'],
  ])('with %j is refused', async (body, pointer) => {
    expect(expectFields(await post(body))).toEqual([pointer]);
  });
});
