// Does it matter to a worker which replica it speaks with, or whether that one lives on?
import { onTestFinished, expect, it } from 'vitest';
import { registerWorker } from '../../../support/pull-worker.js';
import { createTestDatabase } from '../../../support/test-database.js';
import { startTestServer } from '../../../support/test-server.js';
import { createRun, createTenant, finishedRun, readRun } from '../../../support/test-tenant.js';

it('a lease that was taken from one replica is ended at another, after the first is gone', async () => {
  const database = await createTestDatabase();
  const { url: databaseUrl } = database;
  const first = await startTestServer({ databaseUrl });
  const second = await startTestServer({ databaseUrl, env: { CARILLON_NAME: 'second' } });
  onTestFinished(async () => {
    await second.stop();
    await database.drop();
  });
  const tenant = await createTenant(first);
  const elsewhere = { ...tenant, api: second.as(tenant.key) };
  const worker = await registerWorker(tenant);
  const lateWorker = await registerWorker(elsewhere, { jobType: worker.jobType });

  // The owner of the slot offers it; the worker that waits at the other replica gets it.
  const waiting = lateWorker.take({ waitSeconds: 20 });
  const heard = await createRun(tenant, { jobType: worker.jobType });
  expect((await waiting).run.id).toBe(heard.id);

  const created = await createRun(tenant, { jobType: worker.jobType });
  const lease = await worker.take();
  expect((await worker.say(lease, 'heartbeat')).status).toBe(200);
  await first.stop();
  expect(await readRun(elsewhere, created.id)).toMatchObject({
    state: 'running',
    attempt: 1,
    pastAttempts: [],
  });
  expect((await lateWorker.say(lease, 'heartbeat')).status).toBe(200);
  expect((await lateWorker.say(lease, 'complete', { output: 'elsewhere' })).body).toMatchObject({
    state: 'succeeded',
  });
  expect(await finishedRun(elsewhere, created)).toMatchObject({
    state: 'succeeded',
    attempt: 1,
    output: 'elsewhere',
  });
});
