// Are calls debounced, and do keys have policies, where runs come in from SQL, from an application and from a handler?
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bulkEnqueue, enqueue } from '#client/jobs/enqueue.js';
import { defineJob, type JobContext, type JobOf } from '#client/jobs/job-definition.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { openClient } from '../../support/rows.js';
import { useTestServer } from '../../support/test-server.js';
import { finish, finishedRun, listRuns, newName, readRun, useTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const HOUR = 3_600;
const hourly = (key: string) => ({ key, delaySeconds: HOUR, maxDelaySeconds: 2 * HOUR });

const item = defineJob({ name: 'item', payload: z.object({ n: z.int() }) });
const maker = defineJob({ name: 'maker', payload: z.object({ n: z.int(), debounce: z.unknown() }) });

class Handlers {
  @JobHandler(item)
  item({ payload }: JobOf<typeof item>): number {
    return payload.n;
  }

  @JobHandler(maker)
  async make({ payload }: JobOf<typeof maker>, context: JobContext): Promise<string> {
    // What it is given may be wrong, as in JavaScript.
    const debounce = payload.debounce as ReturnType<typeof hourly>;
    const key = { concurrencyKey: 'c', overlap: { mode: 'latest' as const } };
    return context.enqueue(item, { n: payload.n }, { debounce, ...key });
  }
}

const server = useTestServer({ handlers: [Handlers] });
const tenant = useTenant(server);

interface Called {
  id: string;
  moved: boolean;
}

async function debounced(client: pg.Client, key: string, more = ''): Promise<Called> {
  const { rows } = await client.query<Called>(
    `select * from carillon.enqueue_debounced($1, 'echo', $2, '1 hour', '2 hours' ${more})`,
    [tenant.name, key],
  );
  if (rows[0] === undefined) throw new Error('expected a row');
  return rows[0];
}

async function makeDue(id: string): Promise<void> {
  const client = await openClient(server.databaseUrl);
  await client.query(`update carillon.run set run_at = clock_timestamp() where id = $1`, [id]);
}

describe('carillon.enqueue_debounced()', () => {
  it('makes a run, then moves it, and says which', async () => {
    const client = await openClient(server.databaseUrl);
    const key = newName('key');
    const first = await debounced(client, key, `, payload => '1', tags => array['a']`);
    expect(first.moved).toBe(false);
    const before = await readRun(tenant, first.id);
    expect(before).toMatchObject({ state: 'scheduled', payload: 1, tags: ['a'] });
    expect(Date.parse(before.runAt) - Date.parse(before.createdAt)).toBeGreaterThan(HOUR * 1_000 - 1_000);
    const second = await debounced(client, key, `, payload => '2', priority => 3, queue => 'mail'`);
    expect(second).toEqual({ id: first.id, moved: true });
    const after = await readRun(tenant, first.id);
    expect(after).toMatchObject({ payload: 2, tags: [], priority: 3, queue: 'mail' });
    expect(Date.parse(after.runAt)).toBeGreaterThan(Date.parse(before.runAt));
    await makeDue(first.id);
    expect(await finishedRun(tenant, first)).toMatchObject({ output: 2 });
    expect(await debounced(client, key)).toMatchObject({ moved: false });
  });

  it('shares its keys with the API', async () => {
    const client = await openClient(server.databaseUrl);
    const debounce = hourly(newName('key'));
    const { id } = await debounced(client, debounce.key, `, payload => '1'`);
    const answer = await tenant.api
      .post(`${tenant.path}/runs`)
      .send({ jobType: 'echo', debounce, payload: 2 })
      .expect(200);
    expect(answer.body).toMatchObject({ id, replaced: true, payload: 2 });
    expect(await debounced(client, debounce.key)).toEqual({ id, moved: true });
  });

  it('moves it no further than the greatest delay since the first call', async () => {
    const client = await openClient(server.databaseUrl);
    const key = newName('key');
    const { id } = await debounced(client, key);
    await client.query(
      `update carillon.run set created_at = created_at - interval '90 minutes' where id = $1`,
      [id],
    );
    await debounced(client, key);
    const moved = await readRun(tenant, id);
    expect(Date.parse(moved.runAt) - Date.parse(moved.createdAt)).toBe(2 * HOUR * 1_000);
  });

  it('keeps a due run from starting while a transaction that moves it is open', async () => {
    const [client, calling] = [await openClient(server.databaseUrl), await openClient(server.databaseUrl)];
    const [held, free] = [newName('key'), newName('key')];
    const { id } = await debounced(client, held, `, payload => '"old"'`);
    const { id: next } = await debounced(client, free, `, payload => '"free"'`);
    const soon = `update carillon.run set run_at = clock_timestamp() + interval '3 seconds' where id = any($1)`;
    await client.query(soon, [[id, next]]);
    await calling.query('begin');
    expect(await debounced(calling, held, `, payload => '"new"'`)).toEqual({ id, moved: true });
    // All others still see the version that is due at the same time.
    expect(await finishedRun(tenant, { id: next })).toMatchObject({ output: 'free' });
    expect(await readRun(tenant, id)).toMatchObject({ payload: 'old', startedAt: null, finishedAt: null });
    await calling.query('commit');
    await makeDue(id);
    expect(await finishedRun(tenant, { id })).toMatchObject({ output: 'new' });
  });

  it('leaves everything as it was when its transaction is rolled back', async () => {
    const client = await openClient(server.databaseUrl);
    const key = newName('key');
    const { id } = await debounced(client, key, `, payload => '"old"'`);
    await client.query('begin');
    expect(await debounced(client, key, `, payload => '"new"'`)).toEqual({ id, moved: true });
    await client.query('rollback');
    expect(await readRun(tenant, id)).toMatchObject({ payload: 'old' });
  });

  it('makes one run of calls in many transactions at once', async () => {
    const key = newName('key');
    const clients = await Promise.all(Array.from({ length: 8 }, () => openClient(server.databaseUrl)));
    const called: Called[] = [];
    for (let round = 0; round < 5; round += 1)
      called.push(...(await Promise.all(clients.map((client) => debounced(client, key)))));
    expect(new Set(called.map(({ id }) => id)).size).toBe(1);
    expect(called.filter(({ moved }) => !moved)).toHaveLength(1);
  });

  it.each([
    [`$1, 'nobody.has-it', 'k', '5 s', '9 s'`, 'P0002', /job type/],
    [`$1, 'noop', '', '5 s', '9 s'`, '22023', /debounce.key.*got 0/],
    [`$1, 'noop', null, '5 s', '9 s'`, '22023', /debounce.key.*got null/],
    [`$1, 'noop', 'k', '0.5 s', '9 s'`, '22023', /debounce.delaySeconds.*got 0.5/],
    [`$1, 'noop', 'k', null, '9 s'`, '22023', /debounce.delaySeconds.*got null/],
    [`$1, 'noop', 'k', '5 s', '4 s'`, '22023', /debounce.maxDelaySeconds.*got 4/],
    [`$1, 'noop', 'k', '5 s', '8 days'`, '22023', /debounce.maxDelaySeconds.*got 691200/],
    [`$1, 'noop', 'k', '5 s', '9 s', priority => 101`, '22023', /priority.*101/],
    [`$1, 'noop', 'k', '1 hour', '1 hour', deadline => now() + interval '1 minute'`, '22023', /deadline/],
  ])('refuses %s', async (args, code, message) => {
    const client = await openClient(server.databaseUrl);
    const refused = client.query(`select * from carillon.enqueue_debounced(${args})`, [tenant.name]);
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });
});

describe('carillon.overlap_key()', () => {
  it('makes a key that runs of the API share', async () => {
    const client = await openClient(server.databaseUrl);
    const concurrencyKey = newName('key');
    const made = async (args: string) => {
      const { rows } = await client.query<{ id: string }>(
        `select carillon.enqueue($1, 'sleep', '{"ms": 86000000}', concurrency_key => carillon.overlap_key($2, ${args})) as id`,
        [tenant.name, concurrencyKey],
      );
      return rows[0]?.id ?? '';
    };
    const first = await made(`'queue', 3`);
    expect(await readRun(tenant, first)).toMatchObject({
      concurrencyKey,
      overlap: { mode: 'queue', max: 3 },
    });
    await until('it runs', async () => (await readRun(tenant, first)).state === 'running');
    const second = await made(`'skip'`);
    expect(await finishedRun(tenant, { id: second })).toMatchObject({
      state: 'cancelled',
      concurrencyKey,
      overlap: { mode: 'skip' },
      error: { name: 'Overlap' },
    });
  });

  it.each([
    [`'k', 'drop'`, /overlap.mode.*'drop'/],
    [`'k', null`, /overlap.mode.*null/],
    [`'k', 'skip', 3`, /overlap.max.*skip/],
    [`'k', 'queue', 0`, /overlap.max.*got 0/],
    [`'k', 'queue', 1001`, /overlap.max.*1001/],
    [`null, 'skip'`, /key.*null/],
    [`repeat('k', 181), 'skip'`, /180.*got 181/],
  ])('refuses %s', async (args, message) => {
    const client = await openClient(server.databaseUrl);
    const refused = client.query(`select carillon.overlap_key(${args})`);
    await expect(refused).rejects.toMatchObject({
      code: '22023',
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('carillon.strict_key()', () => {
  it('makes a key that runs of the API share', async () => {
    const client = await openClient(server.databaseUrl);
    const concurrencyKey = newName('key');
    const { rows } = await client.query<{ id: string }>(
      `select carillon.enqueue($1, 'sleep', '{"ms": 86000000}', concurrency_key => carillon.strict_key($2)) as id`,
      [tenant.name, concurrencyKey],
    );
    const first = rows[0]?.id ?? '';
    await until('it runs', async () => (await readRun(tenant, first)).state === 'running');
    expect(await readRun(tenant, first)).toMatchObject({ concurrencyKey, order: 'strict' });
  });

  it.each(['null', `''`, `repeat('k', 181)`])('refuses %s', async (key) => {
    const client = await openClient(server.databaseUrl);
    const refused = client.query(`select carillon.strict_key(${key})`);
    await expect(refused).rejects.toMatchObject({ code: '22023' });
  });
});

describe('enqueue() of an application', () => {
  it('debounces, and gives keys a policy', async () => {
    const client = await openClient(server.databaseUrl);
    const options = { tenant: tenant.name, debounce: hourly(newName('key')) };
    const first = await enqueue(client, item, { n: 1 }, options);
    const more = { concurrencyKey: 'c', overlap: { mode: 'queue', max: 2 } } as const;
    expect(await enqueue(client, item, { n: 2 }, { ...options, ...more })).toBe(first);
    expect(await readRun(tenant, first)).toMatchObject({ payload: { n: 2 }, ...more });
  });

  it('gives keys a strict order, also in a list', async () => {
    const client = await openClient(server.databaseUrl);
    const strict = { concurrencyKey: newName('key'), order: 'strict' } as const;
    const ids = await bulkEnqueue(client, item, [{ payload: { n: 1 }, ...strict }, { payload: { n: 2 } }], {
      tenant: tenant.name,
    });
    ids.push(await enqueue(client, item, { n: 3 }, { tenant: tenant.name, ...strict }));
    const [first, free, second] = await Promise.all(ids.map((id) => finishedRun(tenant, { id })));
    expect(first).toMatchObject(strict);
    expect(second).toMatchObject(strict);
    expect(free).toMatchObject({ order: null, concurrencyKey: null });
    expect(Date.parse(second?.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(first?.finishedAt ?? ''));
  });

  it('makes one run of a list that names the key twice', async () => {
    const client = await openClient(server.databaseUrl);
    const debounce = hourly(newName('key'));
    const ids = await bulkEnqueue(
      client,
      item,
      [{ payload: { n: 1 }, debounce }, { payload: { n: 2 } }, { payload: { n: 3 }, debounce }],
      { tenant: tenant.name },
    );
    expect(ids[2]).toBe(ids[0]);
    expect(await readRun(tenant, ids[0] ?? '')).toMatchObject({ payload: { n: 3 } });
    expect(await finishedRun(tenant, { id: ids[1] ?? '' })).toMatchObject({ output: 2 });
  });

  it('refuses options that make no sense before it writes', async () => {
    const client = await openClient(server.databaseUrl);
    const options = { tenant: tenant.name, overlap: { mode: 'skip' } } as const;
    await expect(enqueue(client, item, { n: 1 }, options)).rejects.toThrow('expected concurrencyKey');
  });
});

describe("a handler's enqueue()", () => {
  it('makes one run of several calls', async () => {
    const debounce = hourly(newName('key'));
    const first = await finish(tenant, { jobType: 'maker', payload: { n: 1, debounce } });
    const second = await finish(tenant, { jobType: 'maker', payload: { n: 2, debounce } });
    expect(second.output).toBe(first.output);
    expect(await readRun(tenant, String(first.output))).toMatchObject({
      payload: { n: 2 },
      concurrencyKey: 'c',
      overlap: { mode: 'latest' },
    });
  });

  it('refuses options that make no sense', async () => {
    const before = await listRuns(tenant, '?jobType=item');
    const { id } = await finish(tenant, { jobType: 'echo' });
    const made = await tenant.api
      .post(`${tenant.path}/runs`)
      .send({ jobType: 'maker', payload: { n: 1, debounce: { key: id, delaySeconds: 5 } } })
      .expect(201);
    const run = z.object({ id: z.string() }).parse(made.body);
    await until('it has failed once', async () => (await readRun(tenant, run.id)).pastAttempts.length > 0);
    expect(JSON.stringify(await readRun(tenant, run.id))).toContain('debounce.maxDelaySeconds');
    expect(await listRuns(tenant, '?jobType=item')).toHaveLength(before.length);
  });
});
