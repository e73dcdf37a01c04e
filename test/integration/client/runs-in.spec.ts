// Does a test see the runs that its own transaction has created, and no others?
import { expect, it } from 'vitest';
import { z } from 'zod';
import { bulkEnqueue, enqueue } from '#client/jobs/enqueue.js';
import { defineJob } from '#client/jobs/job-definition.js';
import { runsIn } from '#client/testing/runs-in.repository.js';
import { openClient } from '../../support/rows.js';
import { useTestServer } from '../../support/test-server.js';
import { useTenant } from '../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);
const echo = defineJob({ name: 'echo', payload: z.object({ order: z.int() }) });
const noop = defineJob({ name: 'noop', payload: z.object({}) });

async function begin() {
  const client = await openClient(server.databaseUrl);
  await client.query('begin');
  return client;
}

it('those of the transaction and of its savepoints, in their order, as they were asked for', async () => {
  const client = await begin();
  const options = { tenant: tenant.name, runAt: new Date('2031-01-01T00:00:00Z') };
  const first = await enqueue(client, echo, { order: 1 }, { ...options, tags: ['a'], priority: 4 });
  await client.query('savepoint one');
  const strict = { ...options, concurrencyKey: 'books', order: 'strict' } as const;
  const second = await enqueue(client, echo, { order: 2 }, { ...strict, unique: { key: 'order-2' } });
  await client.query('release savepoint one');
  await client.query('savepoint two');
  await enqueue(client, echo, { order: 3 }, options);
  await client.query('rollback to savepoint two');
  await enqueue(client, noop, {}, options);
  const plain = {
    queue: 'default',
    priority: 0,
    tags: [],
    concurrencyKey: null,
    deadline: null,
    uniqueKey: null,
  };
  expect(await runsIn(client, { tenant: tenant.name, job: echo })).toEqual([
    {
      ...plain,
      id: first,
      job: 'echo',
      payload: { order: 1 },
      priority: 4,
      tags: ['a'],
      runAt: options.runAt,
    },
    {
      ...plain,
      id: second,
      job: 'echo',
      payload: { order: 2 },
      concurrencyKey: 'books',
      uniqueKey: 'order-2',
      runAt: options.runAt,
    },
  ]);
  expect((await runsIn(client, { tenant: tenant.name })).map(({ job }) => job)).toEqual([
    'echo',
    'echo',
    'noop',
  ]);
  await client.query('rollback');
});

it('none that others have committed, or have under way', async () => {
  const other = await begin();
  const runAt = new Date(Date.now() + 3_600_000);
  const runs = [
    { payload: { order: 1 }, runAt },
    { payload: { order: 2 }, runAt },
  ];
  await bulkEnqueue(other, echo, runs, { tenant: tenant.name });
  const client = await begin();
  expect(await runsIn(client, { tenant: tenant.name })).toEqual([]);
  await other.query('commit');
  expect(await runsIn(client, { tenant: tenant.name })).toEqual([]);
  await client.query('rollback');
});
