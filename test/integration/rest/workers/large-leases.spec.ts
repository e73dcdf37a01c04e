// Is the answer to a worker that asks for many leases bounded in bytes, and does it still get every run once?
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { PAGE_BYTES_MAX } from '#database/fitting-page.repository.js';
import { createPulledJobType, registerWorker } from '../../../support/pull-worker.js';
import { openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import { createRun, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

/** Packs well in the database: only its text is long. */
const LARGE = 'é'.repeat(130_000);
const LARGEST = Buffer.byteLength(JSON.stringify(LARGE));

it('leases of large runs are given in parts, in order, each once; the runs that did not fit stay offered', async () => {
  const jobTypes = [await createPulledJobType(tenant), await createPulledJobType(tenant)] as const;
  const created: string[] = [];
  for (let count = 0; count < 12; count += 1) {
    const jobType = jobTypes[count % 2] ?? jobTypes[0];
    created.push((await createRun(tenant, { jobType, payload: { text: LARGE } })).id);
  }
  const db = openDatabase(server.databaseUrl);
  await until('all are offered', async () => {
    const { rows } = await sql`select 1 from carillon.lease where state = 'offered'`.execute(db);
    return rows.length === created.length;
  });
  const worker = await registerWorker(tenant, { jobType: jobTypes[0] });
  const taken: string[] = [];
  while (taken.length < created.length) {
    const wish = { jobTypes, max: 100, requestId: randomUUID(), waitSeconds: 0 };
    const leases = await worker.acquire(wish);
    expect(leases.length).toBeGreaterThan(0);
    expect(Buffer.byteLength(JSON.stringify(leases))).toBeLessThan(PAGE_BYTES_MAX + LARGEST + 20_000);
    expect(await worker.acquire(wish)).toEqual(leases);
    taken.push(...leases.map(({ run }) => run.id));
  }
  expect(taken).toEqual(created);
});

it('a repeated request is answered without what the worker has reported since', async () => {
  const jobType = await createPulledJobType(tenant);
  const worker = await registerWorker(tenant, { jobType });
  for (let count = 0; count < 8; count += 1) await createRun(tenant, { jobType });
  const leases = await until('some are taken', async () => {
    const wish = { jobTypes: [jobType], max: 8, requestId: randomUUID(), waitSeconds: 0 };
    const taken = await worker.acquire(wish);
    return taken.length > 0 && { wish, taken };
  });
  for (const lease of leases.taken) await worker.say(lease, 'heartbeat', { details: LARGE });
  const again = await worker.acquire(leases.wish);
  expect(again.map(({ run }) => run.id)).toEqual(leases.taken.map(({ run }) => run.id));
  expect(Buffer.byteLength(JSON.stringify(again))).toBeLessThan(20_000);
});
