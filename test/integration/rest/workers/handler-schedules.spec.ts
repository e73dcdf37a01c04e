// Do a replica's handlers and a worker bring their schedules along, and stops a schedule that none could have the start?
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineJob, JobHandler, remoteHandler, runWorker, type JobSchedule } from '#client/index.js';
import { createTestDatabase } from '../../../support/test-database.js';
import { startTestServer, useTestServer, type TestServer } from '../../../support/test-server.js';
import { createTenant, newName, readSchedule, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

type Schedules = JobSchedule<{ n?: number }>[];

function handlersOf(...schedules: Schedules) {
  const job = defineJob({ name: 'tidy', payload: z.object({ n: z.int().default(1) }), schedules });
  class Jobs {
    @JobHandler(job)
    tidy(): void {}
  }
  return [Jobs];
}
const nightly = { name: 'nightly', cron: '0 3 * * *', timeZone: 'Europe/Berlin', payload: { n: 2 } };

describe('the schedules of a replica’s handlers', () => {
  it('are made for the tenants that they name, as soon as there are such tenants', async () => {
    const database = await createTestDatabase();
    onTestFinished(() => database.drop());
    const databaseUrl = database.url;
    const start = (...schedules: Schedules): Promise<TestServer> =>
      startTestServer({ databaseUrl, handlers: handlersOf(...schedules) });
    const first = await start({ ...nightly, tenants: ['early', 'late'] });
    const early = await createTenant(first, 'early');
    await first.stop();
    const second = await start({ ...nightly, tenants: ['early', 'late'] });
    const again = { ...early, api: second.as(early.key) };
    const made = await until('it is made', async () => {
      const { status } = await again.api.get(`${early.path}/schedules/nightly`);
      return status === 200 && readSchedule(again, 'nightly');
    });
    expect(made).toMatchObject({
      spec: { cron: '0 3 * * *' },
      timeZone: 'Europe/Berlin',
      payload: { n: 2 },
      jobType: 'tidy',
      source: 'code',
    });
    await second.stop();
  });

  it.each<[string, Schedules[number], RegExp]>([
    ['names no tenant', nightly, /tenants of schedule nightly of job tidy/],
    [
      'has no such cron',
      { ...nightly, cron: '99 * * * *', tenants: ['a'] },
      /nightly of job tidy: \/spec\/cron/,
    ],
    [
      'has no such zone',
      { ...nightly, timeZone: 'Europe/Bern', tenants: ['a'] },
      /nightly of job tidy: \/timeZone/,
    ],
  ])('stop the start when one %s', async (_, schedule, message) => {
    await expect(startTestServer({ handlers: handlersOf(schedule) })).rejects.toThrow(message);
  });
});

describe('the schedules of a worker’s jobs', () => {
  const server = useTestServer();
  const tenant = useTenant(server);

  it('are made when it starts, but for those of other tenants', async () => {
    const definition = defineJob({
      name: newName('greet'),
      payload: z.object({}),
      schedules: [
        { name: 'hourly', everySeconds: 3_600 },
        { name: 'theirs', everySeconds: 3_600, tenants: ['others'] },
      ],
    });
    const { url } = server;
    const handlers = [remoteHandler(definition, () => undefined)];
    const worker = runWorker({ url, key: tenant.key, tenant: tenant.name, handlers });
    onTestFinished(() => worker.stop());
    await until(
      'it is made',
      async () => (await tenant.api.get(`${tenant.path}/schedules/hourly`)).status === 200,
    );
    expect(await readSchedule(tenant, 'hourly')).toMatchObject({ source: 'code', jobType: definition.name });
    await tenant.api.get(`${tenant.path}/schedules/theirs`).expect(404);
  });

  it('that the API refuses are told, and the worker works all the same', async () => {
    const errors: string[] = [];
    const definition = defineJob({
      name: newName('greet'),
      payload: z.object({}),
      schedules: [{ name: 'odd', cron: '99 * * * *' }],
    });
    const { url } = server;
    const handlers = [remoteHandler(definition, () => undefined)];
    const worker = runWorker({
      url,
      key: tenant.key,
      tenant: tenant.name,
      handlers,
      onError: ({ message }) => errors.push(message),
    });
    onTestFinished(() => worker.stop());
    await until('it is told', async () => errors.length > 0);
    expect(errors).toEqual([expect.stringMatching(/odd: \/spec\/cron: expected/)]);
  });
});
