// Can a worker in any language work on runs over HTTP, and is none of them lost or done twice when it goes wrong?
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import * as shapes from '#server/http/workers/worker.shapes.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { createPulledJobType, registerWorker } from '../../../support/pull-worker.js';
import { openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import { createRun, finishedRun, readRun, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

describe('a worker', () => {
  it('takes a run, beats, and completes it', async () => {
    const worker = await registerWorker(tenant);
    const created = await createRun(tenant, { jobType: worker.jobType, payload: { to: 'Zoë' }, tags: ['a'] });
    const lease = await worker.take();
    expect(lease).toMatchObject({
      leaseSeconds: 30,
      timeoutSeconds: 60,
      run: {
        id: created.id,
        jobType: worker.jobType,
        payload: { to: 'Zoë' },
        attempt: 1,
        tags: ['a'],
        runAt: created.runAt,
      },
    });
    expect(await readRun(tenant, created.id)).toMatchObject({ state: 'running', runAt: created.runAt });
    const beat = await worker.say(lease, 'heartbeat', {
      progress: { fraction: 0.5, message: 'half' },
      details: { at: 7 },
    });
    expect(shapes.beat.parse(beat.body)).toMatchObject({ cancelRequested: false });
    expect(await readRun(tenant, created.id)).toMatchObject({ progress: { fraction: 0.5, message: 'half' } });
    const ended = await worker.say(lease, 'complete', { output: { sent: 1 } });
    expect(ended.body).toEqual({ runId: created.id, state: 'succeeded' });
    const run = await finishedRun(tenant, created);
    expect(run).toMatchObject({ state: 'succeeded', attempt: 1, output: { sent: 1 }, runAt: created.runAt });
    expect(Date.parse(run.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(run.runAt));
  });

  it('that waits is woken by a run that comes', async () => {
    const worker = await registerWorker(tenant);
    const waiting = worker.take({ waitSeconds: 20 });
    await createRun(tenant, { jobType: worker.jobType });
    expect((await waiting).run.attempt).toBe(1);
  });

  it('gets nothing, at once or after its wait, when there is nothing', async () => {
    const worker = await registerWorker(tenant);
    expect(await worker.acquire({ waitSeconds: 0 })).toEqual([]);
    expect(await worker.acquire({ waitSeconds: 1 })).toEqual([]);
  });

  it('gets the same leases again when it repeats its request, and none twice otherwise', async () => {
    const worker = await registerWorker(tenant);
    await Promise.all([1, 2, 3].map(() => createRun(tenant, { jobType: worker.jobType })));
    const requestId = randomUUID();
    const first = await until('two are offered', async () => {
      const leases = await worker.acquire({ max: 2, requestId });
      return leases.length > 0 && leases;
    });
    expect(await worker.acquire({ max: 2, requestId, waitSeconds: 0 })).toEqual(first);
    const other = await worker.acquire({ max: 3 });
    const all = [...first, ...other].map(({ run }) => run.id);
    expect(new Set(all).size).toBe(all.length);
    const numbers = [...first, ...other].map(({ fencingToken }) => fencingToken);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('takes runs of higher priority first', async () => {
    const jobType = await createPulledJobType(tenant);
    const low = await createRun(tenant, { jobType, priority: 0 });
    const high = await createRun(tenant, { jobType, priority: 10 });
    const db = openDatabase(server.databaseUrl);
    await until('both are offered', async () => {
      const { rows } = await sql`select 1 from carillon.lease where job_type = ${jobType}`.execute(db);
      return rows.length === 2;
    });
    const worker = await registerWorker(tenant, { jobType });
    expect((await worker.acquire({ max: 2 })).map(({ run }) => run.id)).toEqual([high.id, low.id]);
  });

  it('that is asked to be quiet takes nothing more, and is told so; then it runs again', async () => {
    const worker = await registerWorker(tenant);
    const steer = (verb: string) =>
      tenant.api.post(`${tenant.path}/worker/workers/${worker.workerId}:${verb}`);
    expect((await steer('heartbeat').expect(200)).body).toEqual({ state: 'run' });
    await steer('quiet').expect(200);
    await createRun(tenant, { jobType: worker.jobType });
    expect(await worker.acquire({ waitSeconds: 1 })).toEqual([]);
    expect((await steer('heartbeat')).body).toEqual({ state: 'quiet' });
    await steer('run').expect(200);
    expect((await worker.take()).run.jobType).toBe(worker.jobType);
    await steer('terminate').expect(200);
    expect((await steer('heartbeat')).body).toEqual({ state: 'terminate' });
    const { body } = await tenant.api.get(`${tenant.path}/worker/workers`).expect(200);
    expect(shapes.worker.array().parse((body as { items: unknown }).items)).toContainEqual(
      expect.objectContaining({ id: worker.workerId, state: 'terminate', leases: 1 }),
    );
  });

  it('creates the job types that are missing, renews its own, and leaves those of other kinds alone', async () => {
    const worker = await registerWorker(tenant, { payloadSchema: { type: 'object' }, timeoutSeconds: 5 });
    const read = async () =>
      (await tenant.api.get(`${tenant.path}/job-types/${worker.jobType}`).expect(200)).body as object;
    expect(await read()).toMatchObject({
      target: { kind: 'pull', leaseSeconds: 30 },
      payloadSchema: { type: 'object' },
      timeoutSeconds: 5,
    });
    await registerWorker(tenant, { jobType: worker.jobType, leaseSeconds: 7 });
    expect(await read()).toMatchObject({
      target: { leaseSeconds: 7 },
      payloadSchema: { type: 'object' },
      timeoutSeconds: 5,
    });
    const refused = await tenant.api
      .post(`${tenant.path}/worker/workers:register`)
      .send({ name: 'test', jobTypes: [{ name: 'noop' }] });
    expect(expectProblem(refused, 'invalid-state').detail).toMatch(/noop, whose kind is handler/);
  });
});
