// Does the API say who changed what of a schedule, and when?
import { expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { openClient } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import { createSchedule, useTenant, type Schedule } from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

interface Revision {
  revision: number;
  change: string;
  by: string | null;
  at: string;
  changes: { field: string; from: unknown; to: unknown }[] | null;
  deletedAt: string | null;
  deletedBy: string | null;
}
const path = ({ name }: Pick<Schedule, 'name'>): string => `${tenant.path}/schedules/${name}`;
const listOf = async (name: string, query: object = {}) =>
  (
    await tenant.api
      .get(`${path({ name })}/revisions`)
      .query(query)
      .expect(200)
  ).body as {
    items: Revision[];
    nextPageToken: string | null;
  };
const patch = (schedule: Schedule, body: object) =>
  tenant.api.patch(path(schedule)).set('If-Match', '*').send(body).expect(200);

it('each change is listed with its key, its instant and what it changed', async () => {
  const ours = expect.stringContaining(tenant.keyId) as string;
  const schedule = await createSchedule(tenant, { spec: { cron: '0 9 * * *' }, payload: { a: 1 } });
  await patch(schedule, { spec: { cron: '0 10 * * *' }, payload: { b: 2 } });
  await tenant.api
    .post(`${path(schedule)}:pause`)
    .send({ reason: 'the bank is closed' })
    .expect(200);
  await server.admin.post(`${path(schedule)}:resume`).expect(200);
  const { items, nextPageToken } = await listOf(schedule.name);
  expect(nextPageToken).toBeNull();
  expect(items).toMatchObject([
    {
      revision: 4,
      change: 'resumed',
      by: expect.stringMatching(/^administrator/) as string,
      changes: [
        { field: 'state', from: 'paused', to: 'active' },
        { field: 'pauseReason', from: 'the bank is closed', to: null },
      ],
    },
    { revision: 3, change: 'paused', by: ours },
    {
      revision: 2,
      change: 'changed',
      by: ours,
      changes: [
        { field: 'spec', from: { cron: '0 9 * * *' }, to: { cron: '0 10 * * *' } },
        { field: 'payload', from: { a: 1 }, to: { a: 1, b: 2 } },
      ],
      deletedAt: null,
    },
    { revision: 1, change: 'created', by: ours, changes: [], at: schedule.createdAt },
  ]);
});

it('a deleted schedule keeps its revisions, by its id', async () => {
  const schedule = await createSchedule(tenant, { payload: { a: 1 } });
  await patch(schedule, { tags: ['nightly'] });
  await tenant.api.delete(path(schedule)).set('If-Match', '*').expect(204);
  const { items } = await listOf(schedule.id);
  expect(items).toMatchObject([
    {
      revision: 2,
      changes: [{ field: 'tags', from: [], to: ['nightly'] }],
      deletedAt: expect.any(String) as string,
    },
    { revision: 1, change: 'created', deletedAt: null, deletedBy: null },
  ]);
  expect(items[0]?.deletedBy).toContain(tenant.keyId);
});

it('pages follow each other without a gap', async () => {
  const schedule = await createSchedule(tenant);
  for (let priority = 1; priority <= 5; priority += 1) await patch(schedule, { priority });
  const seen: Revision[] = [];
  let pageToken: string | undefined;
  do {
    const page = await listOf(schedule.name, {
      pageSize: 2,
      ...(pageToken === undefined ? {} : { pageToken }),
    });
    seen.push(...page.items);
    pageToken = page.nextPageToken ?? undefined;
  } while (pageToken !== undefined);
  expect(seen.map(({ revision }) => revision)).toEqual([6, 5, 4, 3, 2, 1]);
  expect(seen.map(({ changes }) => changes?.[0]?.from)).toEqual([4, 3, 2, 1, 0, undefined]);
});

it('payloads that are too much for one page are on the next one', async () => {
  const schedule = await createSchedule(tenant);
  for (let number = 0; number < 8; number += 1)
    await patch(schedule, { payload: { text: String(number).repeat(250_000) } });
  const seen: number[] = [];
  let pageToken: string | undefined;
  do {
    const page = await listOf(schedule.name, pageToken === undefined ? {} : { pageToken });
    expect(page.items.length).toBeGreaterThan(0);
    for (const { changes } of page.items) expect(changes).not.toBeNull();
    seen.push(...page.items.map(({ revision }) => revision));
    pageToken = page.nextPageToken ?? undefined;
  } while (pageToken !== undefined);
  expect(seen).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
});

it('a change by hand is listed, by no one that is known', async () => {
  const schedule = await createSchedule(tenant);
  const client = await openClient(server.databaseUrl);
  await client.query(`update carillon.schedule set priority = 7, revision = revision + 1 where id = $1`, [
    schedule.id,
  ]);
  const { items } = await listOf(schedule.name);
  expect(items).toMatchObject([
    { revision: 2, by: null, changes: [{ field: 'priority', from: 0, to: 7 }] },
    { revision: 1, change: 'created' },
  ]);
});

it('of a schedule a thousand revisions are kept, and each that is left tells its change', async () => {
  const schedule = await createSchedule(tenant);
  const client = await openClient(server.databaseUrl);
  await client.query(
    `do $$ begin for n in 1..1005 loop
       update carillon.schedule set priority = n % 100, revision = revision + 1 where id = '${schedule.id}';
     end loop; end $$`,
  );
  const { rows } = await client.query<{ count: number }>(
    'select count(*)::int as count from carillon.schedule_revision where schedule_id = $1',
    [schedule.id],
  );
  expect(rows).toEqual([{ count: 1_000 }]);
  const { items } = await listOf(schedule.name, { pageSize: 200 });
  expect(items).toHaveLength(200);
  expect(items.every(({ changes }) => changes?.length === 1)).toBe(true);
});

it('a page token of another schedule is refused', async () => {
  const [schedule, other] = [await createSchedule(tenant), await createSchedule(tenant)];
  await patch(schedule, { priority: 1 });
  const { nextPageToken } = await listOf(schedule.name, { pageSize: 1 });
  expect(nextPageToken).not.toBeNull();
  await tenant.api
    .get(`${path(other)}/revisions`)
    .query({ pageToken: nextPageToken })
    .expect(400);
  expect(expectFields(await tenant.api.get(`${path(schedule)}/revisions`).query({ pageSize: 0 }))).toEqual([
    '?pageSize',
  ]);
});
