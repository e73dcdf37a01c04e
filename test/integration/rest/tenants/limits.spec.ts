// Do limits, weights and pauses reach the runs? Each is set over REST and judged by what the history says ran
// when; attempts sleep, so that those that overlap can be seen to.
import { describe, expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  createTenant,
  finishedRun,
  readRun,
  type Run,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();

const sleeping = { target: { kind: 'handler', handler: 'sleep' } };
const patchTenant = (tenant: TestTenant, patch: object) =>
  server.admin.patch(tenant.path).set('If-Match', '*').send(patch);

async function finishAll(tenant: TestTenant, wishes: readonly object[]): Promise<Run[]> {
  const runs = await Promise.all(wishes.map((wish) => createRun(tenant, wish)));
  return Promise.all(runs.map((run) => finishedRun(tenant, run)));
}

const msOf = (instant: Date | string | null): number =>
  instant === null ? Number.NaN : new Date(instant).getTime();

/** The most that ran at one moment. */
function mostAtOnce(runs: readonly Run[]): number {
  const spans = runs.map(({ startedAt, finishedAt }) => [msOf(startedAt), msOf(finishedAt)] as const);
  return Math.max(...spans.map(([at]) => spans.filter(([from, to]) => from <= at && at < to).length));
}

describe('at most as many at once as', () => {
  const runs = (count: number, wish: object) =>
    Array.from({ length: count }, () => ({ payload: { ms: 60 }, ...wish }));

  it('the tenant may (I7)', async () => {
    const tenant = await createTenant(server);
    await patchTenant(tenant, { limits: { maxConcurrent: 2 } }).expect(200);
    const done = await finishAll(tenant, [
      ...runs(4, { jobType: 'sleep' }),
      ...runs(4, { jobType: 'sleep', queue: 'other' }),
    ]);
    expect(mostAtOnce(done)).toBe(2);
  });

  it('the job type may, beside others (I7)', async () => {
    const tenant = await createTenant(server);
    const { name } = await createJobType(tenant, { ...sleeping, limits: { maxConcurrent: 1 } });
    const [limited, free] = [runs(4, { jobType: name }), runs(4, { jobType: 'sleep' })];
    const done = await finishAll(tenant, [...limited, ...free]);
    expect(mostAtOnce(done.filter((run) => run.jobType === name))).toBe(1);
    expect(mostAtOnce(done)).toBeGreaterThan(2);
  });

  it('the concurrency key may, beside other keys (I7)', async () => {
    const tenant = await createTenant(server);
    const { name } = await createJobType(tenant, { ...sleeping, limits: { maxConcurrentPerKey: 1 } });
    const done = await finishAll(
      tenant,
      ['a', 'b'].flatMap((concurrencyKey) => runs(4, { jobType: name, concurrencyKey })),
    );
    for (const key of ['a', 'b'])
      expect(mostAtOnce(done.filter((run) => run.concurrencyKey === key))).toBe(1);
    expect(mostAtOnce(done)).toBe(2);
  });

  it('a rate lets start, after the first handful (I7)', async () => {
    const tenant = await createTenant(server);
    const { name } = await createJobType(tenant, { limits: { rate: { count: 4, perSeconds: 1 } } });
    const done = await finishAll(
      tenant,
      Array.from({ length: 10 }, () => ({ jobType: name })),
    );
    const starts = done.map(({ startedAt }) => msOf(startedAt)).toSorted((a, b) => a - b);
    // Four tokens at once, then one each 250 ms: the last of ten starts 1.5 s after the first, or later.
    expect((starts.at(-1) ?? 0) - (starts[0] ?? 0)).toBeGreaterThanOrEqual(1_490);
  });
});

describe('a paused queue', () => {
  it('keeps its runs, beside others, until it is resumed', async () => {
    const tenant = await createTenant(server);
    const path = `${tenant.path}/queues/mail`;
    expect((await tenant.api.post(`${path}:pause`).expect(200)).body).toMatchObject({ paused: true });
    const kept = await createRun(tenant, { queue: 'mail' });
    await finishedRun(tenant, await createRun(tenant));
    expect(await readRun(tenant, kept.id)).toMatchObject({ state: 'queued', queue: 'mail' });
    expect((await tenant.api.get(`${tenant.path}/queues`).expect(200)).body).toMatchObject({
      items: [{ name: 'mail', paused: true }],
    });
    await tenant.api.post(`${path}:resume`).expect(200);
    expect(await finishedRun(tenant, kept)).toMatchObject({ state: 'succeeded' });
  });

  it('gives back what it had been claimed for later', async () => {
    const tenant = await createTenant(server);
    await patchTenant(tenant, { limits: { maxConcurrent: 1 } }).expect(200);
    const first = await createRun(tenant, { jobType: 'sleep', payload: { ms: 1_500 } });
    const second = await createRun(tenant, { queue: 'mail' });
    await tenant.api.post(`${tenant.path}/queues/mail:pause`).expect(200);
    await finishedRun(tenant, first);
    await finishedRun(tenant, await createRun(tenant));
    expect(await readRun(tenant, second.id)).toMatchObject({ state: 'queued' });
  });

  it('is listed by pages, with those that hold runs', async () => {
    const tenant = await createTenant(server);
    for (const queue of ['c', 'a', 'b']) {
      await tenant.api.post(`${tenant.path}/queues/${queue}:pause`).expect(200);
      await createRun(tenant, { queue });
      await createRun(tenant, { queue, jobType: 'echo' });
    }
    const first = (await tenant.api.get(`${tenant.path}/queues?pageSize=2`).expect(200)).body as {
      items: { name: string }[];
      nextPageToken: string;
    };
    expect(first.items.map(({ name }) => name)).toEqual(['a', 'b']);
    const rest = await tenant.api
      .get(`${tenant.path}/queues?pageSize=2&pageToken=${first.nextPageToken}`)
      .expect(200);
    expect(rest.body).toMatchObject({ items: [{ name: 'c' }], nextPageToken: null });
  });
});

describe('a tenant', () => {
  it('that is suspended starts nothing until it is resumed', async () => {
    const tenant = await createTenant(server);
    const kept = await createRun(tenant, { delaySeconds: 2 });
    await server.admin.post(`${tenant.path}:suspend`).expect(200);
    expectProblem(await tenant.api.post(`${tenant.path}/runs`).send({ jobType: 'noop' }), 'invalid-state');
    const other = await createTenant(server);
    await finishedRun(other, await createRun(other, { delaySeconds: 2.5 }));
    expect(await readRun(tenant, kept.id)).toMatchObject({ state: 'queued' });
    expect((await server.admin.post(`${tenant.path}:resume`).expect(200)).body).toMatchObject({
      state: 'active',
    });
    expect(await finishedRun(tenant, kept)).toMatchObject({ state: 'succeeded' });
  });

  it('is changed by whoever has read it, and by an administrator only', async () => {
    const tenant = await createTenant(server);
    const { headers } = await server.admin.get(tenant.path).expect(200);
    const changed = await server.admin
      .patch(tenant.path)
      .set('If-Match', String(headers['etag']))
      .send({ weight: 3, limits: { maxConcurrent: 5 }, retentionDays: 7 })
      .expect(200);
    expect(changed.body).toMatchObject({
      weight: 3,
      limits: { maxConcurrent: 5 },
      retentionDays: 7,
      revision: 2,
    });
    expectProblem(
      await server.admin.patch(tenant.path).set('If-Match', String(headers['etag'])).send({ weight: 4 }),
      'etag-mismatch',
    );
    expectProblem(await server.admin.patch(tenant.path).send({ weight: 4 }), 'precondition-required');
    expectProblem(await tenant.api.patch(tenant.path).set('If-Match', '*').send({ weight: 9 }), 'forbidden');
    const cleared = await patchTenant(tenant, { limits: null, retentionDays: null }).expect(200);
    expect(cleared.body).toMatchObject({ limits: {}, retentionDays: null });
  });

  it.each([
    ['a weight of 0', { weight: 0 }, ['/weight']],
    ['a limit of 0', { limits: { maxConcurrent: 0 } }, ['/limits/maxConcurrent']],
    ['half a rate', { limits: { rate: { count: 5 } } }, ['/limits/rate/perSeconds']],
    ['an unknown limit', { limits: { perMoon: 1 } }, ['/limits/perMoon']],
    ['an unknown field', { colour: 'red' }, ['/colour']],
  ])('is refused %s', async (_, patch, fields) => {
    expect(expectFields(await patchTenant(await createTenant(server), patch))).toEqual(fields);
  });
});

describe('a job type', () => {
  it('is changed by whoever has read it', async () => {
    const tenant = await createTenant(server);
    const { name } = await createJobType(tenant, { limits: { maxConcurrent: 1 } });
    const path = `${tenant.path}/job-types/${name}`;
    const { headers } = await tenant.api.get(path).expect(200);
    const etag = String(headers['etag']);
    const changed = await tenant.api
      .patch(path)
      .set('If-Match', etag)
      .send({ timeoutSeconds: 0.005, limits: { rate: { count: 1, perSeconds: 60 } } })
      .expect(200);
    expect(changed.body).toMatchObject({
      timeoutSeconds: 0.005,
      limits: { rate: { count: 1, perSeconds: 60 } },
    });
    expect((changed.body as { limits: object }).limits).not.toHaveProperty('maxConcurrent');
    expectProblem(
      await tenant.api.patch(path).set('If-Match', etag).send({ timeoutSeconds: 0.006 }),
      'etag-mismatch',
    );
    expectProblem(
      await tenant.api
        .patch(`${tenant.path}/job-types/noop`)
        .set('If-Match', '*')
        .send({ timeoutSeconds: 0.006 }),
      'not-found',
    );
  });
});

describe('beside a flood of another tenant', () => {
  it('a single run starts long before the flood has ended', async () => {
    const [flooding, quiet] = [await createTenant(server), await createTenant(server)];
    await flooding.api.post(`${flooding.path}/queues/default:pause`).expect(200);
    const flood = await Promise.all(
      Array.from({ length: 300 }, () => createRun(flooding, { jobType: 'sleep', payload: { ms: 1_000 } })),
    );
    await flooding.api.post(`${flooding.path}/queues/default:resume`).expect(200);
    await until(
      'the flood runs',
      async () => (await readRun(flooding, flood[0]?.id ?? '')).state === 'running',
    );
    const single = await finishedRun(quiet, await createRun(quiet, { jobType: 'sleep', payload: { ms: 1 } }));
    const last = await until('the flood has ended', async () => {
      const ended = await Promise.all(flood.map(({ id }) => readRun(flooding, id)));
      return ended.every(({ finishedAt }) => finishedAt !== null)
        ? Math.max(...ended.map(({ startedAt }) => msOf(startedAt)))
        : undefined;
    });
    expect(msOf(single.startedAt)).toBeLessThan(last);
  });
});
