// Can runs be cancelled and tried again through the API, one by one and many at once?
import { z } from 'zod';
import { describe, expect, it, onTestFinished } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer, type TestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  createSchedule,
  createTenant,
  finish,
  finishedRun,
  listFires,
  listRuns,
  readRun,
  secondsFromNow,
  useTenant,
  type Run,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { run as runShape } from '#server/http/runs/run.shapes.js';
import { until } from '../../../support/until.js';

/** A second replica, of the same cluster. */

const server = useTestServer({ env: { CARILLON_STOP_GRACE_SECONDS: '1' } });
const other = useTestServer({ beside: server });
const tenant = useTenant(server);

const act = ({ api, path }: TestTenant, { id }: { id: string }, verb: 'cancel' | 'retry') =>
  api.post(`${path}/runs/${id}:${verb}`);
const done = async (request: ReturnType<typeof act>): Promise<Run> =>
  runShape.parse((await request.expect(200)).body);
const later = (wish: object = {}) => createRun(tenant, { runAt: secondsFromNow(3_600), ...wish });

async function createBatch({ api, path }: TestTenant, { tag, size }: { tag: string; size: number }) {
  const run = { jobType: 'noop', runAt: secondsFromNow(3_600), tags: [tag] };
  const runs = Array.from({ length: size }, () => run);
  await api.post(`${path}/runs:batchCreate`).send({ runs }).expect(200);
}

/** Its queue is paused, so all that can become of it is that it expires. */
async function stuck(): Promise<Run> {
  await tenant.api.post(`${tenant.path}/queues/stuck:pause`).expect(200);
  return createRun(tenant, { queue: 'stuck', deadline: secondsFromNow(0.2) });
}

describe('cancelling a run', () => {
  it('that waits ends it at once, and again changes nothing', async () => {
    const waiting = await later();
    const cancelled = await done(act(tenant, waiting, 'cancel'));
    expect(cancelled).toMatchObject({ state: 'cancelled', startedAt: null, replica: null, error: null });
    expect(await done(act(tenant, waiting, 'cancel'))).toEqual(cancelled);
  });

  it('that runs ends it long before its handler would, from whichever replica', async () => {
    for (const replica of [server, other]) {
      const running = await createRun(tenant, { jobType: 'sleep', payload: { ms: 3_600_000 } });
      await until('it runs', async () => (await readRun(tenant, running.id)).state === 'running');
      const asked = await done(act({ ...tenant, api: replica.as(tenant.key) }, running, 'cancel'));
      expect(asked.cancelRequestedAt ?? asked.finishedAt).not.toBeNull();
      const ended = await finishedRun(tenant, running);
      expect(ended).toMatchObject({ state: 'cancelled', attempt: 1 });
      expect(ended.startedAt).not.toBeNull();
    }
  });

  it('that is over is refused, and tells in which state it is', async () => {
    const ended = await finish(tenant);
    const problem = expectProblem(await act(tenant, ended, 'cancel'), 'invalid-state');
    expect(problem.currentState).toBe('succeeded');
  });

  it('that is between two attempts ends it at once', async () => {
    const { name } = await createJobType(tenant, {
      target: { kind: 'handler', handler: 'fail' },
      retry: { maxAttempts: 2, minSeconds: 3600, maxSeconds: 3600 },
    });
    const failing = await createRun(tenant, { jobType: name });
    await until('it waits', async () => (await readRun(tenant, failing.id)).state === 'retrying');
    expect(await done(act(tenant, failing, 'cancel'))).toMatchObject({
      state: 'cancelled',
      pastAttempts: [{ attempt: 1, outcome: 'failed' }],
    });
  });

  it('that a schedule planned decides its due time', async () => {
    const { name } = await createSchedule(tenant, { spec: { at: secondsFromNow(5) } });
    const [planned] = await until('it is planned', async () => {
      const runs = await listRuns(tenant, `?schedule=${name}`);
      return runs.length > 0 && runs;
    });
    await done(act(tenant, planned ?? { id: '' }, 'cancel'));
    expect(await listFires(tenant, name)).toMatchObject([{ outcome: 'skipped', reason: 'cancelled' }]);
  });

  it('of another tenant finds nothing, and does nothing (I10)', async () => {
    const stranger = await createTenant(server);
    const mine = await later();
    for (const verb of ['cancel', 'retry'] as const)
      expectProblem(await act(stranger, mine, verb), 'not-found');
    expect(await readRun(tenant, mine.id)).toMatchObject({ state: 'scheduled', cancelRequestedAt: null });
  });
});

describe('a deadline', () => {
  it('ends a run that never got to start', async () => {
    const ended = await finishedRun(tenant, await stuck());
    expect(ended).toMatchObject({ state: 'expired', startedAt: null, error: { name: 'AttemptStopped' } });
  });

  it('ends a run that takes longer', async () => {
    const wish = { jobType: 'sleep', payload: { ms: 60_000 }, deadline: secondsFromNow(0.5) };
    expect(await finish(tenant, wish)).toMatchObject({ state: 'expired', attempt: 1 });
  });
});

describe('trying a run again', () => {
  it('that has failed goes on with the next attempt', async () => {
    const failed = await finish(tenant, { jobType: 'fail', payload: { fatal: true, times: 1 } });
    expect(failed).toMatchObject({ state: 'failed', attempt: 1 });
    const retried = await done(act(tenant, failed, 'retry'));
    expect(retried).toMatchObject({ id: failed.id, attempt: 2, finishedAt: null });
    expect(await finishedRun(tenant, failed)).toMatchObject({
      state: 'succeeded',
      attempt: 2,
      createdAt: failed.createdAt,
      pastAttempts: [{ attempt: 1, outcome: 'failed', error: { name: 'FatalError' } }],
    });
  });

  it('that was cancelled or has expired starts at once, without its old deadline', async () => {
    const cancelled = await done(act(tenant, await later(), 'cancel'));
    await done(act(tenant, cancelled, 'retry'));
    expect(await finishedRun(tenant, cancelled)).toMatchObject({ state: 'succeeded', attempt: 2 });
    const expired = await finishedRun(tenant, await stuck());
    await tenant.api.post(`${tenant.path}/queues/stuck:resume`).expect(200);
    await done(act(tenant, expired, 'retry'));
    expect(await finishedRun(tenant, expired)).toMatchObject({ state: 'succeeded', deadline: null });
  });

  const running = async () => {
    const run = await createRun(tenant, { jobType: 'sleep', payload: { ms: 3_600_000 } });
    onTestFinished(async () => void (await act(tenant, run, 'cancel')));
    await until('it runs', async () => (await readRun(tenant, run.id)).state === 'running');
    return run;
  };

  it.each(['scheduled', 'running', 'succeeded'])('that is %s is refused', async (state) => {
    const run =
      state === 'scheduled' ? await later() : await (state === 'running' ? running() : finish(tenant));
    const problem = expectProblem(await act(tenant, run, 'retry'), 'invalid-state');
    expect(problem.currentState).toBe(state);
  });
});

describe('many runs at once', () => {
  const post = (verb: 'cancel' | 'retry', body: object) =>
    tenant.api.post(`${tenant.path}/runs:${verb}`).send(body);
  const counts = z.record(z.string(), z.union([z.int(), z.boolean(), z.tuple([])]));
  const noneSkipped = { skipped: 0, skippedRuns: [] };

  it('are cancelled and tried again by a filter', async () => {
    const tagged = await Promise.all(Array.from({ length: 5 }, () => later({ tags: ['bulk'] })));
    const { id: untagged } = await later({ queue: 'elsewhere' });
    const cancelled = await post('cancel', { filter: { tag: 'bulk' }, expectedCount: 5 }).expect(200);
    expect(counts.parse(cancelled.body)).toEqual({ cancelled: 5, requested: 0, more: false });
    expect(await readRun(tenant, untagged)).toMatchObject({ state: 'scheduled' });
    const nothing = await post('retry', { filter: { tag: 'bulk' } }).expect(200);
    expect(counts.parse(nothing.body)).toEqual({ retried: 0, ...noneSkipped, more: false });
    // They were made at the same time, so any of them may be the first.
    const [createdAfter] = tagged.map(({ createdAt }) => createdAt).toSorted();
    const filter = { tag: 'bulk', state: 'cancelled', createdAfter };
    const retried = await post('retry', { filter, expectedCount: 5 }).expect(200);
    expect(counts.parse(retried.body)).toEqual({ retried: 5, ...noneSkipped, more: false });
    for (const run of tagged) expect(await finishedRun(tenant, run)).toMatchObject({ state: 'succeeded' });
    await post('cancel', { filter: { queue: 'elsewhere', state: 'scheduled' } }).expect(200);
    expect(await readRun(tenant, untagged)).toMatchObject({ state: 'cancelled' });
  });

  it('are left alone when there are more or fewer than expected', async () => {
    const run = await later({ tags: ['counted'] });
    for (const expectedCount of [0, 2]) {
      const problem = expectProblem(
        await post('cancel', { filter: { tag: 'counted' }, expectedCount }),
        'invalid-state',
      );
      expect(problem.detail).toMatch(/expected \d runs to match the filter, got/);
    }
    expect(await readRun(tenant, run.id)).toMatchObject({ state: 'scheduled' });
  });

  it('are never all of them by mistake', async () => {
    expect(expectFields(await post('cancel', { filter: {} }))).toEqual(['/filter']);
    expect(expectFields(await post('retry', {}))).toEqual(['/filter']);
    expect(expectFields(await post('retry', { filter: { state: 'succeeded' } }))).toEqual(['/filter/state']);
    expectProblem(await post('cancel', { filter: { schedule: 'no-such' } }), 'not-found');
  });

  it('are cancelled once when two requests ask for it at the same time, and neither is told to ask again for nothing', async () => {
    const mine = await createTenant(server);
    await createBatch(mine, { tag: 'twice', size: 1_500 });
    const ask = (replica: TestServer) =>
      replica
        .as(mine.key)
        .post(`${mine.path}/runs:cancel`)
        .send({ filter: { tag: 'twice' } });
    const answers = await Promise.all([ask(server), ask(server), ask(other)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const said = answers.map(({ body }) => counts.parse(body));
    for (const one of said) expect(one).toMatchObject({ requested: 0, more: false });
    expect(said.reduce((sum, { cancelled }) => sum + Number(cancelled), 0)).toBe(1_500);
  });

  it('are more than one batch', async () => {
    const mine = await createTenant(server);
    await createBatch(mine, { tag: 'big', size: 600 });
    const { body } = await mine.api
      .post(`${mine.path}/runs:cancel`)
      .send({ filter: { tag: 'big' }, expectedCount: 600 })
      .expect(200);
    expect(counts.parse(body)).toEqual({ cancelled: 600, requested: 0, more: false });
  });
});
