// What does the API say of a schedule that this version can't read? It shows it beside the others and lets its tenant
// mend it.
import { beforeEach, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { openClient } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import { createSchedule, useTenant, type Schedule } from '../../../support/test-tenant.js';

let schedule: Schedule;

const server = useTestServer();
const tenant = useTenant(server, { per: 'test' });
beforeEach(async () => {
  schedule = await createSchedule(tenant);
});

const path = () => `${tenant.path}/schedules/${schedule.name}`;
const patch = (body: object) => tenant.api.patch(path()).set('If-Match', '*').send(body);

const MOON = `spec = '{"kind": "moon", "phase": "full"}'`;
const ODDITIES = [
  ['a spec of a later version', MOON, { spec: null, timeZone: null }],
  [
    'an anchor beyond the years',
    `spec = '{"kind": "every", "seconds": 60, "anchorAt": "+010000-01-01T00:00:00.000Z"}'`,
    { spec: null },
  ],
  [
    'an expression that no longer parses',
    `spec = '{"kind": "cron", "expression": "61 * * * *", "timeZone": "UTC"}'`,
    { spec: { cron: '61 * * * *' } },
  ],
  [
    'a time zone that is gone',
    `spec = '{"kind": "cron", "expression": "* * * * *", "timeZone": "Mars/Base"}'`,
    { timeZone: 'Mars/Base' },
  ],
  ['a next due time of no year', `next_due_at = 'infinity'`, { nextDueAt: null }],
  ['a next due time long ago', `next_due_at = '-infinity'`, { nextDueAt: null }],
  ['a next due time of year 10000', `next_due_at = '10000-01-01Z'`, { nextDueAt: null }],
  ['a next due time before the year 1', `next_due_at = '0044-03-15 BC'`, { nextDueAt: null }],
] as const;

/** As rows from before the constraint have it. */
async function spoil(oddity: string): Promise<void> {
  const client = await openClient(server.databaseUrl);
  await client.query('begin');
  await client.query(
    'alter table carillon.schedule drop constraint if exists next_due_at_is_of_the_years_1_to_9999',
  );
  await client.query(
    `update carillon.schedule s set ${oddity} from carillon.tenant t where t.id = s.tenant_id and t.name = $1`,
    [tenant.name],
  );
  await client.query('commit');
}

it.each(ODDITIES)('%s is shown, alone and in the list, and mended by a change', async (_, oddity, shown) => {
  await spoil(oddity);
  expect((await tenant.api.get(path()).expect(200)).body).toMatchObject({ name: schedule.name, ...shown });
  const { body } = await tenant.api.get(`${tenant.path}/schedules`).expect(200);
  expect((body as { items: unknown[] }).items).toMatchObject([{ name: schedule.name, ...shown }]);
  await tenant.api.get(`${path()}/fires`).expect(200);
  const mended = await patch({ spec: { cron: '0 0 1 1 *' }, timeZone: 'UTC' }).expect(200);
  expect(mended.body).toMatchObject({ spec: { cron: '0 0 1 1 *' }, timeZone: 'UTC', state: 'active' });
  expect((mended.body as Schedule).nextDueAt).not.toBeNull();
});

it.each(ODDITIES)('%s keeps nobody from deleting it', async (_, oddity) => {
  await spoil(oddity);
  await tenant.api.delete(path()).set('If-Match', '*').expect(204);
});

it('what is not changed of an unreadable one stays as it is stored', async () => {
  await spoil(MOON);
  await patch({ payload: { a: 1 } }).expect(200);
  await tenant.api.post(`${path()}:pause`).expect(200);
  const client = await openClient(server.databaseUrl);
  const { rows } = await client.query<{ spec: unknown }>(
    'select spec from carillon.schedule where name = $1',
    [schedule.name],
  );
  expect(rows).toEqual([{ spec: { kind: 'moon', phase: 'full' } }]);
});

it('a zone alone does not mend one whose spec can not be read, and that is said', async () => {
  await spoil(MOON);
  expect(expectFields(await patch({ timeZone: 'Europe/Berlin' }))).toEqual(['/spec']);
});
