// What a job type says of its runs' keys: does it hold for each run that names a key and says nothing else, however the
// run comes in, and for no other?
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bulkEnqueue, enqueue } from '#client/jobs/enqueue.js';
import { defineJob, type JobContext, type JobOf } from '#client/jobs/job-definition.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { expectFields } from '../../../support/expect-problem.js';
import { registerWorker } from '../../../support/pull-worker.js';
import { openClient } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  finish,
  newName,
  readRun,
  useTenant,
} from '../../../support/test-tenant.js';

const ordered = defineJob({
  name: 'ordered',
  payload: z.object({ n: z.int() }),
  keyDefaults: { order: 'strict' },
});
const maker = defineJob({ name: 'maker', payload: z.object({ options: z.record(z.string(), z.unknown()) }) });

class Handlers {
  @JobHandler(ordered)
  ordered(): void {}

  @JobHandler(maker)
  make({ payload }: JobOf<typeof maker>, context: JobContext): Promise<string> {
    return context.enqueue(ordered, { n: 1 }, payload.options);
  }
}

const server = useTestServer({ handlers: [Handlers] });
const tenant = useTenant(server);

const payload = { n: 1 };
const key = () => newName('key');
const STRICT = { order: 'strict', overlap: { mode: 'queue' } };
const PLAIN = { order: null, overlap: null };
const SKIPS = { order: null, overlap: { mode: 'skip' } };

/** What runs say, and what they are then. */
const CASES: readonly [object, object][] = [
  [{}, STRICT],
  [{ order: 'any' }, PLAIN],
  [{ overlap: { mode: 'allow' } }, PLAIN],
  [{ overlap: { mode: 'skip' } }, SKIPS],
];

describe('a run that names a key of a job type with defaults', () => {
  it.each(CASES)('and says %j is %j, alone and in a batch', async (said, is) => {
    const wish = { jobType: 'ordered', payload, concurrencyKey: key(), ...said };
    // The first reads the job type, and the second assumes it.
    expect(await createRun(tenant, wish)).toMatchObject({ ...is, concurrencyKey: wish.concurrencyKey });
    expect(await createRun(tenant, wish)).toMatchObject(is);
    const { body } = await tenant.api
      .post(`${tenant.path}/runs:batchCreate`)
      .send({ runs: [{ jobType: 'noop', concurrencyKey: key() }, wish] })
      .expect(200);
    const { results } = z.object({ results: z.array(z.object({ id: z.uuid() })) }).parse(body);
    expect(await readRun(tenant, results[0]?.id ?? '')).toMatchObject(PLAIN);
    expect(await readRun(tenant, results[1]?.id ?? '')).toMatchObject(is);
  });

  it.each(CASES)('and says %j is %j from a handler and an application', async (said, is) => {
    const options = { concurrencyKey: key(), ...said };
    const made = await finish(tenant, { jobType: 'maker', payload: { options } });
    expect(await readRun(tenant, String(made.output))).toMatchObject({
      ...is,
      concurrencyKey: options.concurrencyKey,
    });
    const client = await openClient(server.databaseUrl);
    const id = await enqueue(client, ordered, payload, { tenant: tenant.name, ...options });
    expect(await readRun(tenant, id)).toMatchObject({ ...is, concurrencyKey: options.concurrencyKey });
    const ids = await bulkEnqueue(client, ordered, [{ payload, ...options }, { payload }], {
      tenant: tenant.name,
    });
    expect(await readRun(tenant, ids[0] ?? '')).toMatchObject(is);
    expect(await readRun(tenant, ids[1] ?? '')).toMatchObject({ ...PLAIN, concurrencyKey: null });
  });

  it('takes them in SQL, too, also when it is debounced and moved', async () => {
    const client = await openClient(server.databaseUrl);
    const asked = async (concurrencyKey: string) => {
      const { rows } = await client.query<{ id: string }>(
        `select id from carillon.enqueue_debounced($1, 'ordered', $2, '1 hour', '2 hours', payload => '{"n": 1}', concurrency_key => $3)`,
        [tenant.name, 'debounced', concurrencyKey],
      );
      return rows[0]?.id ?? '';
    };
    const first = await asked('one');
    expect(await readRun(tenant, first)).toMatchObject({ ...STRICT, concurrencyKey: 'one' });
    expect(await asked('two')).toBe(first);
    expect(await readRun(tenant, first)).toMatchObject({ ...STRICT, concurrencyKey: 'two' });
    const { rows } = await client.query<{ id: string }>(
      `select carillon.enqueue($1, 'ordered', '{"n": 1}', concurrency_key => carillon.overlap_key('one', 'allow')) as id`,
      [tenant.name],
    );
    expect(await readRun(tenant, rows[0]?.id ?? '')).toMatchObject({ ...PLAIN, concurrencyKey: 'one' });
    await expect(
      client.query(
        `select carillon.enqueue($1, 'ordered', '{"n": 1}', concurrency_key => repeat('k', 181))`,
        [tenant.name],
      ),
    ).rejects.toMatchObject({ code: '22023' });
  });

  it('is refused with a longer key than they allow', async () => {
    const concurrencyKey = 'k'.repeat(181);
    const ask = (body: object) =>
      tenant.api.post(`${tenant.path}/runs`).send({ payload, concurrencyKey, ...body });
    expect(expectFields(await ask({ jobType: 'ordered' }))).toEqual(['/concurrencyKey']);
    await ask({ jobType: 'noop' }).expect(201);
  });
});

describe('a job type of a tenant', () => {
  it('shows its defaults, and changes them as a whole', async () => {
    const { name } = await createJobType(tenant, { keyDefaults: { overlap: { mode: 'queue', max: 2 } } });
    const path = `${tenant.path}/job-types/${name}`;
    const shown = async () =>
      ((await tenant.api.get(path).expect(200)).body as { keyDefaults: unknown }).keyDefaults;
    const patch = (keyDefaults: unknown) =>
      tenant.api.patch(path).set('If-Match', '*').send({ keyDefaults }).expect(200);
    expect(await shown()).toEqual({ overlap: { mode: 'queue', max: 2 } });
    const run = { jobType: name, concurrencyKey: key() };
    expect(await createRun(tenant, run)).toMatchObject({ overlap: { mode: 'queue', max: 2 } });
    await patch({ order: 'strict' });
    expect(await shown()).toEqual({ order: 'strict' });
    expect(await createRun(tenant, run)).toMatchObject(STRICT);
    await tenant.api.patch(path).set('If-Match', '*').send({ timeoutSeconds: 5 }).expect(200);
    expect(await shown()).toEqual({ order: 'strict' });
    await patch(null);
    expect(await shown()).toBeNull();
    expect(await createRun(tenant, run)).toMatchObject(PLAIN);
    await patch({ order: 'any', overlap: { mode: 'allow' } });
    expect(await shown()).toBeNull();
  });

  it.each([
    [{ order: 'first' }, '/keyDefaults/order'],
    [{ order: 'strict', overlap: { mode: 'queue' } }, '/keyDefaults/overlap'],
    [{ overlap: { mode: 'skip', max: 1 } }, '/keyDefaults/overlap/max'],
    [{ overlap: 'skip' }, '/keyDefaults/overlap'],
    ['strict', '/keyDefaults'],
  ])('is refused with %j', async (keyDefaults, pointer) => {
    const body = { name: newName('job'), target: { kind: 'pull' }, keyDefaults };
    expect(expectFields(await tenant.api.post(`${tenant.path}/job-types`).send(body))).toEqual([pointer]);
  });

  it('gets them from the worker that registers it, and keeps them from one that says nothing', async () => {
    const { jobType } = await registerWorker(tenant, { keyDefaults: { overlap: { mode: 'skip' } } });
    const run = { jobType, concurrencyKey: key() };
    expect(await createRun(tenant, run)).toMatchObject(SKIPS);
    await registerWorker(tenant, { jobType });
    expect(await createRun(tenant, { ...run, concurrencyKey: key() })).toMatchObject(SKIPS);
  });
});
