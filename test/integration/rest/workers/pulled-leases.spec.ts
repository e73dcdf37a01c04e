// Does a lease that a worker has pulled end once, as its holder says, and as what that makes of the run?
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { createPulledJobType, readLines, registerWorker } from '../../../support/pull-worker.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createRun,
  createTenant,
  finishedRun,
  newName,
  readRun,
  useTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

describe('a lease', () => {
  it('ends once: the same word again gets the same answer, any other is told that it is lost', async () => {
    const worker = await registerWorker(tenant);
    await createRun(tenant, { jobType: worker.jobType });
    const lease = await worker.take();
    const [first, second] = await Promise.all([worker.say(lease, 'complete'), worker.say(lease, 'complete')]);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(first.body).toEqual(second.body);
    const late = await worker.say(lease, 'fail', { error: { message: 'too late' } });
    expect(expectProblem(late, 'lease-lost').detail).toMatch(/ended with "complete"/);
    expectProblem(await worker.say(lease, 'heartbeat'), 'lease-lost');
  });

  it('that fails is tried again by the policy of its job type, and keeps each attempt (I2)', async () => {
    const worker = await registerWorker(tenant, {
      retry: { maxAttempts: 2, minSeconds: 0.001, maxSeconds: 0.001 },
    });
    const created = await createRun(tenant, { jobType: worker.jobType });
    const first = await worker.take();
    await worker.say(first, 'heartbeat', { details: { page: 3 } });
    const failed = await worker.say(first, 'fail', { error: { name: 'Busy', message: 'not now' } });
    expect(failed.body).toEqual({ runId: created.id, state: 'retrying' });
    const second = await worker.take();
    expect(second.run).toMatchObject({ id: created.id, attempt: 2, details: { page: 3 } });
    expect((await worker.say(second, 'fail', { error: { message: 'again' } })).body).toMatchObject({
      state: 'dead-lettered',
    });
    expect(await finishedRun(tenant, created)).toMatchObject({
      state: 'dead-lettered',
      attempt: 2,
      error: { message: 'again' },
      pastAttempts: [{ attempt: 1, outcome: 'failed', worker: worker.workerId, error: { name: 'Busy' } }],
    });
  });

  it('that is completed with an output which does not fit has failed for good', async () => {
    const jobType = await createPulledJobType(tenant, { outputSchema: { required: ['sent'] } });
    const worker = await registerWorker(tenant, { jobType });
    const created = await createRun(tenant, { jobType });
    const said = await worker.say(await worker.take(), 'complete', { output: { lost: 1 } });
    expect(said.body).toMatchObject({ state: 'failed' });
    expect(await finishedRun(tenant, created)).toMatchObject({ error: { name: 'InvalidOutput' } });
    const fitting = await createRun(tenant, { jobType });
    await worker.say(await worker.take(), 'complete', { output: { sent: 1 } });
    expect(await finishedRun(tenant, fitting)).toMatchObject({ state: 'succeeded', output: { sent: 1 } });
  });

  it('that fails for good is not tried again', async () => {
    const worker = await registerWorker(tenant);
    const created = await createRun(tenant, { jobType: worker.jobType });
    await worker.say(await worker.take(), 'fail', { error: { message: 'no' }, retryable: false });
    expect(await finishedRun(tenant, created)).toMatchObject({ state: 'failed', attempt: 1 });
  });

  it('can ask not to be tried before a while', async () => {
    const worker = await registerWorker(tenant);
    const created = await createRun(tenant, { jobType: worker.jobType });
    await worker.say(await worker.take(), 'fail', { error: { message: 'later' }, retryAfterSeconds: 600 });
    const { runAt } = await readRun(tenant, created.id);
    expect(Date.parse(runAt) - Date.parse(created.createdAt)).toBeGreaterThan(590_000);
  });

  it('that is released or snoozed goes on as another attempt, with nothing held against it', async () => {
    const worker = await registerWorker(tenant);
    const created = await createRun(tenant, { jobType: worker.jobType });
    expect((await worker.say(await worker.take(), 'release')).body).toMatchObject({ state: 'queued' });
    const again = await worker.take();
    expect(again.run).toMatchObject({ id: created.id, attempt: 2 });
    expect((await worker.say(again, 'snooze', { seconds: 600 })).body).toMatchObject({ state: 'scheduled' });
    expect(await readRun(tenant, created.id)).toMatchObject({
      state: 'scheduled',
      attempt: 3,
      pastAttempts: [
        { attempt: 1, outcome: 'released', worker: worker.workerId },
        { attempt: 2, outcome: 'snoozed', worker: worker.workerId },
      ],
    });
  });

  it('needs no key but its token, which opens nothing else (I10)', async () => {
    const worker = await registerWorker(tenant);
    const created = await createRun(tenant, { jobType: worker.jobType });
    const { token } = await worker.take();
    const path = `${tenant.path}/worker/leases/${token}`;
    await server.anonymous.post(`${path}:heartbeat`).send({}).expect(200);
    const other = await createTenant(server);
    const theirs = `${other.path}/worker/leases/${token}`;
    expectProblem(await server.anonymous.post(`${theirs}:complete`).send({}), 'lease-lost');
    expectProblem(await other.api.post(`${theirs}:complete`).send({}), 'lease-lost');
    expectProblem(await other.api.post(`${path}:complete`).send({}), 'not-found');
    const forged = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    expectProblem(
      await server.anonymous.post(`${tenant.path}/worker/leases/${forged}:complete`).send({}),
      'unauthenticated',
    );
    expectProblem(
      await tenant.api.post(`${tenant.path}/worker/leases/${forged}:complete`).send({}),
      'lease-lost',
    );
    expect((await readRun(tenant, created.id)).state).toBe('running');
  });

  it('tells of a wish to cancel, and ends as cancelled when the worker gives in', async () => {
    const worker = await registerWorker(tenant);
    const created = await createRun(tenant, { jobType: worker.jobType });
    const lease = await worker.take();
    const { body } = await tenant.api.post(`${tenant.path}/runs/${created.id}:cancel`);
    expect(body).toMatchObject({ state: 'running', worker: worker.workerId });
    expect((await worker.say(lease, 'heartbeat')).body).toMatchObject({ cancelRequested: true });
    expect((await worker.say(lease, 'fail', { error: { message: 'stopped' } })).body).toMatchObject({
      state: 'cancelled',
    });
    expect(await finishedRun(tenant, created)).toMatchObject({ state: 'cancelled', attempt: 1 });
  });

  it("takes log lines into the run's log", async () => {
    const worker = await registerWorker(tenant);
    const { id } = await createRun(tenant, { jobType: worker.jobType });
    const { token } = await worker.take();
    const send = (lines: string, type = 'application/x-ndjson') =>
      tenant.api.post(`${tenant.path}/worker/leases/${token}/logs`).type(type).send(lines);
    const sent = await send(
      '{"message":"one","seq":1}\n\n{"message":"two","level":"warn","fields":{"n":2}}\n',
    );
    expect([sent.status, sent.body]).toEqual([202, { lines: 2 }]);
    const written = async () => (await readLines(tenant, id)).length >= 2 && readLines(tenant, id);
    expect(await until('the lines are written', written)).toMatchObject([
      { attempt: 1, level: 'info', message: 'one' },
      { attempt: 1, level: 'warn', message: 'two', fields: { n: 2 } },
    ]);
    expect(expectFields(await send('\n{"level":"loud"}'))).toEqual(['/2/message', '/2/level']);
    expect(expectProblem(await send('{"message":'), 'validation-failed').detail).toMatch(
      /^\/1: expected JSON/,
    );
    expectProblem(await send('{"message":"x"}', 'application/json'), 'unsupported-media-type');
    expect(await readLines(tenant, id)).toHaveLength(2);
  });

  it('dates log lines within the last hour, also those of a worker whose clock is wrong', async () => {
    const worker = await registerWorker(tenant);
    const { id } = await createRun(tenant, { jobType: worker.jobType });
    const { token } = await worker.take();
    const agesMs = { future: -1e12, past: 1e12, lately: 60_000 };
    const lines = Object.entries(agesMs).map(([message, ageMs]) =>
      JSON.stringify({ message, time: new Date(Date.now() - ageMs).toISOString() }),
    );
    const path = `${tenant.path}/worker/leases/${token}/logs`;
    await tenant.api.post(path).type('application/x-ndjson').send(lines.join('\n')).expect(202);
    const written = await until('the lines are written', async () => {
      const read = await readLines(tenant, id);
      return read.length === 3 && read;
    });
    const minutes = written.map(({ at }) => Math.floor((Date.now() - Date.parse(at)) / 60_000));
    expect(minutes.map((ago) => (ago < 1 ? 'now' : ago < 50 ? 'lately' : 'an hour ago'))).toEqual([
      'now',
      'an hour ago',
      'lately',
    ]);
  });

  it('refuses what makes no sense, and names the field', async () => {
    const worker = await registerWorker(tenant);
    await createRun(tenant, { jobType: worker.jobType });
    const lease = await worker.take();
    expect(expectFields(await worker.say(lease, 'fail', {}))).toEqual(['/error']);
    expect(expectFields(await worker.say(lease, 'snooze', { seconds: -1 }))).toEqual(['/seconds']);
    expectProblem(await worker.say(lease, 'complete', { output: 'x'.repeat(300_000) }), 'payload-too-large');
    const asked = { workerId: randomUUID(), jobTypes: [newName('job')], requestId: 'r' };
    expectProblem(await tenant.api.post(`${tenant.path}/worker/leases:acquire`).send(asked), 'not-found');
    expect(
      expectFields(
        await tenant.api.post(`${tenant.path}/worker/leases:acquire`).send({ ...asked, waitSeconds: 51 }),
      ),
    ).toEqual(['/waitSeconds']);
  });
});
