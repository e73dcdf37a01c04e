// Does everything go on without wake-ups? Two replicas that send no NOTIFY share the tenants, and everything that is asked
// for at one and done by the other is found by looking.
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { registerWorker } from '../../support/pull-worker.js';
import { createTestDatabase } from '../../support/test-database.js';
import { startTestServer } from '../../support/test-server.js';
import {
  createRun,
  createSchedule,
  createTenant,
  finish,
  finishedRun,
  listFires,
  readRun,
} from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const env = { CARILLON_HINTS_PER_SECOND: '0' };
/** So many that each replica owns some of them. */
const TENANTS = 8;

it('runs, schedules, cancels, offers and hand-overs do without any NOTIFY', async () => {
  const database = await createTestDatabase();
  const { url: databaseUrl } = database;
  const heard = await listenFor(databaseUrl);
  const first = await startTestServer({ databaseUrl, env });
  const second = await startTestServer({ databaseUrl, env: { ...env, CARILLON_NAME: 'second' } });
  onTestFinished(async () => {
    await second.stop();
    await heard.end();
    await database.drop();
  });
  await until('both own slots', async () => (await owners(second)).filter(Boolean).length === 2);
  const tenants = await Promise.all(Array.from({ length: TENANTS }, () => createTenant(first)));

  const ended = await Promise.all(tenants.map((tenant) => finish(tenant)));
  expect(ended.map(({ state }) => state)).toEqual(tenants.map(() => 'succeeded'));

  // Held by either of them, and cancelled at the first.
  const held = await Promise.all(
    tenants.map((tenant) => createRun(tenant, { jobType: 'sleep', payload: { ms: 60_000 } })),
  );
  await until('they run', async () => {
    const seen = await Promise.all(tenants.map((tenant, index) => readRun(tenant, held[index]?.id ?? '')));
    return seen.every(({ state }) => state === 'running');
  });
  await Promise.all(
    tenants.map(({ api, path }, index) => api.post(`${path}/runs/${held[index]?.id}:cancel`).send({})),
  );
  const stopped = await Promise.all(
    tenants.map((tenant, index) => finishedRun(tenant, { id: held[index]?.id ?? '' })),
  );
  expect(stopped.map(({ state }) => state)).toEqual(tenants.map(() => 'cancelled'));

  const scheduled = await Promise.all(
    tenants.map((tenant) => createSchedule(tenant, { spec: { everySeconds: 1 } })),
  );
  await until('each schedule has fired on time', async () => {
    const fires = await Promise.all(
      tenants.map((tenant, index) => listFires(tenant, scheduled[index]?.name ?? '')),
    );
    return fires.every((ofOne) => ofOne.some(({ outcome }) => outcome === 'fired'));
  });

  for (const tenant of tenants) {
    const worker = await registerWorker(tenant);
    const waiting = worker.take({ waitSeconds: 20 });
    const offered = await createRun(tenant, { jobType: worker.jobType });
    expect((await waiting).run.id).toBe(offered.id);
  }

  await first.stop();
  const elsewhere = tenants.map((tenant) => ({ ...tenant, api: second.as(tenant.key) }));
  const after = await Promise.all(elsewhere.map((tenant) => finish(tenant)));
  expect(after.map(({ state }) => state)).toEqual(tenants.map(() => 'succeeded'));
  expect(heard.payloads).toEqual([]);
});

async function listenFor(url: string): Promise<{ payloads: string[]; end: () => Promise<void> }> {
  const client = new pg.Client({ connectionString: url });
  const payloads: string[] = [];
  client.on('notification', ({ payload = '' }) => payloads.push(payload));
  await client.connect();
  await client.query('listen carillon');
  return { payloads, end: () => client.end() };
}

async function owners({ admin }: { admin: Awaited<ReturnType<typeof startTestServer>>['admin'] }) {
  const { body } = await admin.get('/api/v1/cluster/ring');
  return (body as { members: { slots: number }[] }).members.map(({ slots }) => slots > 0);
}
