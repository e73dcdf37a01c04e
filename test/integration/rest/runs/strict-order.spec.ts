// Do runs of a key with a strict order start in their order through any replica, and can a person see and end what blocks
// them?
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob, type JobContext, type JobOf } from '#client/jobs/job-definition.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { FatalError } from '#client/jobs/outcomes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { outOfOrder, type LoggedRun } from '../../../support/in-order.js';
import { registerWorker } from '../../../support/pull-worker.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  createTenant,
  finishedRun,
  newName,
  readRun,
  useTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const logged = defineJob({
  name: 'logged',
  payload: z.object({ key: z.string(), place: z.int(), fails: z.int() }),
  retry: { maxAttempts: 9, backoff: 'fixed', minSeconds: 0.001, maxSeconds: 0.001 },
});
const refused = defineJob({ name: 'refused', payload: z.object({ until: z.int() }) });

/** Of both replicas: they are of one process. */
const log: LoggedRun[] = [];

class Handlers {
  @JobHandler(logged)
  async logged({ payload }: JobOf<typeof logged>, { attempt }: JobContext): Promise<void> {
    const { key, place, fails } = payload;
    log.push({ key, place, what: 'start' });
    await Promise.resolve();
    if (attempt <= fails) throw new Error('not yet');
    log.push({ key, place, what: 'success' });
  }

  @JobHandler(refused)
  refused({ payload }: JobOf<typeof refused>, { attempt }: JobContext): void {
    if (attempt < payload.until) throw new FatalError('refused');
  }
}

const server = useTestServer({ handlers: [Handlers] });
const other = useTestServer({ beside: server, handlers: [Handlers], env: { CARILLON_NAME: 'other' } });
const tenant = useTenant(server);

const blockedKeys = z.object({
  items: z.array(
    z.looseObject({
      jobType: z.string(),
      concurrencyKey: z.string(),
      runId: z.uuid(),
      why: z.string(),
      waiting: z.int(),
    }),
  ),
});

async function blocked({ api, path } = tenant) {
  return blockedKeys.parse((await api.get(`${path}/blocked-keys`).expect(200)).body).items;
}

const strictRun = (concurrencyKey: string, wish: object) =>
  createRun(tenant, { concurrencyKey, order: 'strict', ...wish });
const failing = (concurrencyKey: string) =>
  strictRun(concurrencyKey, { jobType: 'refused', payload: { until: 9 } });
const untilBlockedBy = (id: string) =>
  until('it blocks its key', async () => (await blocked()).some(({ runId }) => runId === id));
const unblock = (id: string) => tenant.api.post(`${tenant.path}/runs/${id}:unblock`);

describe('a run with a strict order', () => {
  it('shows it as it was given', async () => {
    const concurrencyKey = newName('key');
    for (const wish of [{ order: 'strict' }, { order: 'strict', overlap: { mode: 'queue' } }]) {
      const shown = await createRun(tenant, { concurrencyKey, ...wish });
      expect(shown).toMatchObject({ concurrencyKey, order: 'strict', overlap: { mode: 'queue' } });
      expect(await finishedRun(tenant, shown)).toMatchObject({ concurrencyKey, order: 'strict' });
    }
    expect(await createRun(tenant, { concurrencyKey, order: 'any' })).toMatchObject({
      concurrencyKey,
      order: null,
      overlap: null,
    });
  });

  it('blocks its key once it has failed for good, until it is retried with success', async () => {
    const concurrencyKey = newName('key');
    const first = await strictRun(concurrencyKey, { jobType: 'refused', payload: { until: 3 } });
    await finishedRun(tenant, first);
    const second = await strictRun(concurrencyKey, { jobType: 'refused', payload: { until: 0 } });
    const free = await strictRun(newName('key'), { jobType: 'refused', payload: { until: 0 } });
    expect(await finishedRun(tenant, free)).toMatchObject({ state: 'succeeded' });
    const shown = { runId: first.id, jobType: 'refused', concurrencyKey, why: 'failed', waiting: 1 };
    expect(await blocked()).toEqual([
      expect.objectContaining({ ...shown, error: expect.objectContaining({ message: 'refused' }) as object }),
    ]);
    expect(await readRun(tenant, second.id)).toMatchObject({ state: 'queued' });
    expect(await blocked(await createTenant(server))).toEqual([]);
    const retry = () => tenant.api.post(`${tenant.path}/runs/${first.id}:retry`).expect(200);
    await retry();
    expect(await finishedRun(tenant, first)).toMatchObject({ state: 'failed', attempt: 2 });
    expect(await blocked()).toEqual([expect.objectContaining(shown)]);
    await retry();
    expect(await finishedRun(tenant, second)).toMatchObject({ state: 'succeeded' });
    expect(await readRun(tenant, first.id)).toMatchObject({ state: 'succeeded', attempt: 3 });
    expect(await blocked()).toEqual([]);
  });

  it('is skipped by hand, and a second request skips no further one', async () => {
    const concurrencyKey = newName('key');
    const [first, second] = [await failing(concurrencyKey), await failing(concurrencyKey)];
    const third = await strictRun(concurrencyKey, { jobType: 'noop' });
    const also = await strictRun(concurrencyKey, { jobType: 'refused', payload: { until: 0 } });
    // The key is one of each job type.
    expect(await finishedRun(tenant, third)).toMatchObject({ state: 'succeeded' });
    await untilBlockedBy(first.id);
    expect((await unblock(first.id).expect(200)).body).toEqual({ unblocked: true });
    await untilBlockedBy(second.id);
    expect((await unblock(first.id).expect(200)).body).toEqual({ unblocked: false });
    expect(await blocked()).toMatchObject([{ runId: second.id }]);
    await unblock(second.id).expect(200);
    expect(await finishedRun(tenant, also)).toMatchObject({ state: 'succeeded' });
    expectProblem(await unblock('0197a0c4-95b1-7c3e-8b7e-3f0d5a2c1e99'), 'not-found');
  });

  it('is not skipped while it is to be tried again, and lets the next one start when it is cancelled', async () => {
    const { name: jobType } = await createJobType(tenant, {
      target: { kind: 'handler', handler: 'fail' },
      retry: { maxAttempts: 2, backoff: 'fixed', minSeconds: 600, maxSeconds: 600, jitter: 0 },
    });
    const concurrencyKey = newName('key');
    const first = await strictRun(concurrencyKey, { jobType });
    await untilBlockedBy(first.id);
    const second = await strictRun(concurrencyKey, { jobType });
    expect(await blocked()).toMatchObject([{ runId: first.id, why: 'retrying', waiting: 1 }]);
    expectProblem(await unblock(first.id), 'invalid-state');
    await tenant.api.post(`${tenant.path}/runs/${first.id}:cancel`).expect(200);
    await untilBlockedBy(second.id);
    await tenant.api.post(`${tenant.path}/runs/${second.id}:cancel`).expect(200);
    expect(await blocked()).toEqual([]);
  });

  it('keeps its place with a worker that loses its lease or fails', async () => {
    const worker = await registerWorker(tenant);
    const concurrencyKey = newName('key');
    const [first, second] = [
      await strictRun(concurrencyKey, { jobType: worker.jobType }),
      await strictRun(concurrencyKey, { jobType: worker.jobType }),
    ];
    const lease = await worker.take();
    expect(lease.run.id).toBe(first.id);
    expect(await worker.acquire({ waitSeconds: 0 })).toEqual([]);
    await worker.say(lease, 'release').expect(200);
    const again = await worker.take();
    expect(again.run.id).toBe(first.id);
    await worker.say(again, 'fail', { error: { name: 'E', message: 'm' }, retryable: false }).expect(200);
    await untilBlockedBy(first.id);
    expect(await worker.acquire({ waitSeconds: 1 })).toEqual([]);
    await unblock(first.id).expect(200);
    const next = await worker.take();
    expect(next.run.id).toBe(second.id);
    await worker.say(next, 'complete', { output: null }).expect(200);
  });
});

/** Runs of 20 keys, each of which fails as often as its place says before it succeeds, through both replicas. */
async function drain(wish: object, count: number): Promise<LoggedRun[]> {
  const mine = await createTenant(server);
  const round = newName('round');
  const keys = Array.from({ length: 20 }, (_, index) => `${round}-${index}`);
  const runs = Array.from({ length: count }, (_, index) => {
    const [key = '', place] = [keys[index % keys.length], Math.floor(index / keys.length)];
    const fails = (index * 7 + place * 5) % 11 < 3 ? 1 + (index % 2) : 0;
    return { jobType: 'logged', payload: { key, place, fails }, concurrencyKey: key, ...wish };
  });
  const apis = [mine.api, other.as(mine.key)];
  for (let from = 0, at = 0; from < count; from += 100, at += 1)
    await apis[at % 2]
      ?.post(`${mine.path}/runs:batchCreate`)
      .send({ runs: runs.slice(from, from + 100) })
      .expect(200);
  const ofRound = () => log.filter(({ key }) => key.startsWith(`${round}-`));
  await until('all have succeeded', () => ofRound().filter(({ what }) => what === 'success').length >= count);
  return ofRound();
}

describe('a thousand runs of twenty keys, of which many fail at first', () => {
  it('succeed in the order of each key', async () => {
    const told = await drain({ order: 'strict' }, 1_000);
    expect(outOfOrder(told)).toEqual([]);
    expect(told.filter(({ what }) => what === 'success')).toHaveLength(1_000);
    expect(told.length).toBeGreaterThan(2_200);
  });

  it('do not without it, as the same check shows', async () => {
    expect(outOfOrder(await drain({ overlap: { mode: 'queue' } }, 200))).not.toEqual([]);
  });
});

describe('a request', () => {
  const concurrencyKey = 'k';
  it.each([
    [{ order: 'strict' }, '/order'],
    [{ concurrencyKey, order: 'first' }, '/order'],
    [{ concurrencyKey, order: 'strict', overlap: { mode: 'skip' } }, '/overlap'],
    [{ concurrencyKey, order: 'strict', overlap: { mode: 'queue', max: 3 } }, '/overlap'],
    [{ concurrencyKey: 'k'.repeat(181), order: 'strict' }, '/concurrencyKey'],
    [{ concurrencyKey: 'overlap/strict/k' }, '/concurrencyKey'],
  ])('with %j is refused', async (body, pointer) => {
    const response = await tenant.api.post(`${tenant.path}/runs`).send({ jobType: 'noop', ...body });
    expect(expectFields(response)).toEqual([pointer]);
  });
});
