// Do schedules leave out the days of the calendars that they name, and follow when a calendar gets other dates?
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  createTenant,
  listFires,
  newName,
  patchSchedule,
  postSchedule,
  readSchedule,
  useTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const DAY_MS = 86_400_000;
const dateIn = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
/** From yesterday to tomorrow, so that a test may cross midnight. */
const today = () => `${dateIn(-1)}/${dateIn(1)}`;

async function calendar(...dates: string[]): Promise<string> {
  const name = newName('calendar');
  await put(name, dates).expect(201);
  return name;
}
const put = (name: string, dates: readonly unknown[], wish: object = {}) =>
  tenant.api.put(`${tenant.path}/calendars/${name}`).send({ dates, ...wish });
const preview = async (name: string) => {
  const { body } = await tenant.api.get(`${tenant.path}/schedules/${name}:preview`).expect(200);
  return (body as { dueTimes: { local: string }[] }).dueTimes.map(({ local }) => local.slice(0, 10));
};
const newYear = {
  spec: { cron: '0 0 * * *' },
  timeZone: 'Pacific/Auckland',
  startAt: '2029-12-30T00:00:00+13:00',
};

describe('a calendar', () => {
  it('is made, shown, listed, replaced and deleted', async () => {
    const other = await createTenant(server);
    const path = `${other.path}/calendars/holidays`;
    const body = { dates: ['2026-12-25', '2026-12-28/2027-01-03', '--12-25'], description: 'closed' };
    const made = await other.api.put(path).send(body).expect(201);
    expect(made.body).toMatchObject({ name: 'holidays', ...body, revision: 1 });
    expect(made.headers).toMatchObject({ etag: '"1"', location: path });
    expect((await other.api.put(path).send(body).expect(200)).body).toEqual(made.body);
    const read = await other.api.get(path).expect(200);
    expect([read.body, read.headers['etag']]).toEqual([made.body, '"1"']);
    const replaced = await other.api.put(path).set('If-Match', '"1"').send({ dates: [] }).expect(200);
    expect(replaced.body).toMatchObject({ dates: [], description: null, revision: 2 });
    expectProblem(await other.api.put(path).set('If-Match', '"1"').send(body), 'etag-mismatch');
    expectProblem(await other.api.put(path).set('If-None-Match', '*').send(body), 'etag-mismatch');
    const nowhere = other.api.put(`${other.path}/calendars/nowhere`);
    expectProblem(await nowhere.set('If-Match', '*').send(body), 'not-found');
    await other.api.put(`${other.path}/calendars/another`).send(body).expect(201);
    const listed = await other.api.get(`${other.path}/calendars?pageSize=1`).expect(200);
    expect(listed.body).toMatchObject({ items: [{ name: 'another' }] });
    expectProblem(await other.api.delete(path).set('If-Match', '"1"'), 'etag-mismatch');
    await other.api.delete(path).set('If-Match', '"2"').expect(204);
    expectProblem(await other.api.get(path), 'not-found');
  });

  it.each([
    [['2026-02-30'], '/dates/0'],
    [['2026-12-25', '--13-01'], '/dates/1'],
    [['2027-01-03/2026-12-28'], '/dates/0'],
    [['2026-01-01/2027-01-02'], '/dates/0'],
    [[20_261_225], '/dates/0'],
    [Array.from({ length: 1_001 }, () => '--12-25'), '/dates'],
  ])('is refused with %j', async (dates, field) => {
    expect(expectFields(await put(newName('refused'), dates))).toEqual([field]);
  });

  it('is one of a hundred at most', async () => {
    const other = await createTenant(server);
    const names = Array.from({ length: 101 }, (_, index) => `c${index}`);
    const answers = await Promise.all(
      names.map((name) => other.api.put(`${other.path}/calendars/${name}`).send({ dates: [] })),
    );
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused.map((answer) => expectProblem(answer, 'quota-exceeded').detail)).toEqual([
      'expected the tenant to have at most 100 calendars, got one more in addition to 100',
    ]);
  });
});

describe('a schedule with calendars', () => {
  it('is due on the days that are left, by the clock of its zone', async () => {
    const holidays = await calendar('--01-01', '2030-01-03/2030-01-04');
    const schedule = await createSchedule(tenant, { ...newYear, calendars: { exclude: [holidays] } });
    expect(schedule).toMatchObject({
      calendars: { exclude: [holidays] },
      nextDueAt: new Date('2029-12-30T00:00:00+13:00').toISOString(),
    });
    const days = ['2029-12-30', '2029-12-31', '2030-01-02', '2030-01-05'];
    expect((await preview(schedule.name)).slice(0, 4)).toEqual(days);
    const draft = { ...newYear, calendars: { exclude: [holidays] }, count: 4 };
    const { body } = await tenant.api.post(`${tenant.path}/schedules:preview`).send(draft).expect(200);
    expect(
      (body as { dueTimes: { local: string }[] }).dueTimes.map(({ local }) => local.slice(0, 10)),
    ).toEqual(days);
    const explained = await tenant.api
      .get(`${tenant.path}/schedules/${schedule.name}:explain`)
      .query({ at: '2030-01-01T00:00:00+13:00' })
      .expect(200);
    expect(explained.body).toMatchObject({ isDue: false, dueAfter: '2030-01-01T11:00:00.000Z' });
  });

  it('counts as maxFires what remains', async () => {
    const holidays = await calendar('2029-12-31', '2030-01-02');
    const wish = { ...newYear, maxFires: 3, calendars: { exclude: [holidays] } };
    const { name } = await createSchedule(tenant, wish);
    expect(await preview(name)).toEqual(['2029-12-30', '2030-01-01', '2030-01-03']);
    const hourly = { spec: { everySeconds: 43_200 }, startAt: '2030-01-01T12:00:00Z', maxFires: 3 };
    const interval = await createSchedule(tenant, { ...hourly, calendars: { exclude: [holidays] } });
    expect(await preview(interval.name)).toEqual(['2030-01-01', '2030-01-03', '2030-01-03']);
    await put(holidays, ['2029-12-30']).expect(200);
    await until('it is counted anew', async () => (await preview(name)).at(-1) === '2030-01-02');
    expect(await preview(name)).toEqual(['2029-12-31', '2030-01-01', '2030-01-02']);
  });

  it('fires in no replica on a day that is left out, and does from when the calendar has other dates', async () => {
    const closed = await calendar(today());
    const { name, revision } = await createSchedule(tenant, {
      spec: { everySeconds: 1 },
      calendars: { exclude: [closed] },
    });
    expect((await readSchedule(tenant, name)).nextDueAt?.slice(0, 10)).toBe(dateIn(2));
    const beside = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    const fired = (of: string) =>
      until('it fires', async () =>
        (await listFires(tenant, of)).some(({ startedAt }) => startedAt !== null),
      );
    await fired(beside.name);
    expect(await listFires(tenant, name)).toEqual([]);
    await put(closed, ['2020-01-01']).expect(200);
    await fired(name);
    expect((await readSchedule(tenant, name)).revision).toBe(revision + 1);
    await put(closed, [today()]).expect(200);
    await until('it is moved', async () => (await readSchedule(tenant, name)).revision === revision + 2);
    const ahead = (await listFires(tenant, name)).filter(
      ({ dueAt }) => +new Date(dueAt) > Date.now() + 2_000,
    );
    expect(ahead).toEqual([]);
  });

  it('of which a change leaves no day shows no due time, and comes back with the next one', async () => {
    const days = await calendar(today());
    const { name } = await createSchedule(tenant, {
      spec: { everySeconds: 1 },
      calendars: { include: [days] },
    });
    await put(days, ['2020-01-01']).expect(200);
    await until('it has ended', async () => (await readSchedule(tenant, name)).nextDueAt === null);
    expect(await readSchedule(tenant, name)).toMatchObject({
      state: 'ended',
      calendars: { include: [days] },
    });
    await put(days, [today()]).expect(200);
    await until('it is due again', async () => (await readSchedule(tenant, name)).state === 'active');
  });

  it('that was written with older dates, while they changed, is moved to the new ones', async () => {
    const days = await calendar('2029-12-30');
    const { id, name } = await createSchedule(tenant, { ...newYear, calendars: { exclude: [days] } });
    const db = openDatabase(server.databaseUrl);
    const write = (part: object) =>
      sql`update carillon.schedule set spec = jsonb_set(spec, '{calendars,exclude}', ${JSON.stringify(part)}::jsonb) where id = ${id}`.execute(
        db,
      );
    await write({ names: [days], revisions: [0], days: '2029-12-31' });
    await until('it is moved', async () => (await preview(name))[0] === '2029-12-31');
    await expect(write({ names: ['gone'], revisions: [1], days: '' })).rejects.toMatchObject({
      constraint: 'schedule_calendar_is_there',
    });
    await put(days, []).expect(200);
    await until('it is moved', async () => (await preview(name))[0] === '2029-12-30');
    const { rows } = await sql`select 1 from carillon.schedule_calendar where schedule_id = ${id}`.execute(
      db,
    );
    expect(rows).toHaveLength(1);
  });

  it('is moved by no other description of its calendar', async () => {
    const days = await calendar('2030-01-01');
    const { name, revision } = await createSchedule(tenant, { calendars: { exclude: [days] } });
    await put(days, ['2030-01-01', '2030-01-01'], { description: 'the same' }).expect(200);
    const other = await calendar('2030-01-01');
    const beside = await createSchedule(tenant, { calendars: { exclude: [other] } });
    await put(other, ['2030-01-02']).expect(200);
    await until('the other is moved', async () => (await readSchedule(tenant, beside.name)).revision === 2);
    expect((await readSchedule(tenant, name)).revision).toBe(revision);
  });

  it('is patched, and says the same again without a new revision', async () => {
    const [one, two] = [await calendar('2030-01-01'), await calendar('2030-01-02')];
    const wish = { ...newYear, jobType: 'noop', calendars: { exclude: [one], include: null } };
    const path = `${tenant.path}/schedules/${newName('applied')}`;
    const { body: made } = await tenant.api.put(path).send(wish).expect(201);
    expect((await tenant.api.put(path).send(wish).expect(200)).body).toEqual(made);
    const { name } = made as { name: string };
    const patched = async (calendars: object | null) =>
      (await patchSchedule(tenant, { name }, { calendars }).expect(200)).body as { calendars: object | null };
    expect((await patched({ include: [two] })).calendars).toEqual({ exclude: [one], include: [two] });
    expect((await patched({ exclude: null })).calendars).toEqual({ include: [two] });
    await patchSchedule(tenant, { name }, { spec: { cron: '0 1 * * *' } }).expect(200);
    expect(await preview(name)).toEqual(['2030-01-02']);
    expect((await patched(null)).calendars).toBeNull();
    expect((await preview(name))[0]).toBe('2029-12-30');
  });

  it('keeps its calendars from being deleted, until it is deleted itself', async () => {
    const used = await calendar('2030-01-01');
    const remove = () => tenant.api.delete(`${tenant.path}/calendars/${used}`).set('If-Match', '*');
    const [first, second] = [
      await createSchedule(tenant, { calendars: { exclude: [used] } }),
      await createSchedule(tenant, { calendars: { exclude: [used] } }),
    ];
    const { detail } = expectProblem(await remove(), 'invalid-state');
    expect(detail).toBe(`expected a calendar to which no schedule refers, got ${used}, to which 2 refer`);
    await tenant.api.delete(`${tenant.path}/schedules/${first.name}`).set('If-Match', '*').expect(204);
    expect(expectProblem(await remove(), 'invalid-state').detail).toMatch(/to which 1 refers$/);
    await patchSchedule(tenant, second, { calendars: { exclude: [] } }).expect(200);
    await remove().expect(204);
  });

  it('is refused with calendars that leave no due time, are not there, or are too many', async () => {
    const all = await calendar(
      ...Array.from({ length: 12 }, (_, month) => `--${String(month + 1).padStart(2, '0')}-01`),
    );
    const refused = async (wish: object) => expectFields(await postSchedule(tenant, wish));
    const monthly = { spec: { cron: '0 0 1 * *' } };
    expect(await refused({ ...monthly, calendars: { exclude: [all] } })).toEqual(['/calendars']);
    expect(await refused({ ...monthly, calendars: { include: [all, 'nowhere'] } })).toEqual([
      '/calendars/include/1',
    ]);
    const theirs = await createTenant(server);
    await theirs.api.put(`${theirs.path}/calendars/theirs`).send({ dates: [] }).expect(201);
    expect(await refused({ ...monthly, calendars: { exclude: ['theirs'] } })).toEqual([
      '/calendars/exclude/0',
    ]);
    const six = Array.from({ length: 6 }, (_, index) => `c${index}`);
    expect(await refused({ ...monthly, calendars: { exclude: six } })).toEqual(['/calendars/exclude']);
    const split = { exclude: six.slice(0, 3), include: six.slice(3) };
    expect(await refused({ ...monthly, calendars: split })).toEqual(['/calendars']);
    expect(await refused({ ...monthly, calendars: { exclude: [all], include: [all] } })).toEqual([
      '/calendars',
    ]);
    expect(await refused({ spec: { at: '2031-01-01T00:00:00Z' }, calendars: { include: [all] } })).toEqual([
      '/calendars',
    ]);
    expect(await refused({ ...monthly, calendars: [all] })).toEqual(['/calendars']);
  });
});
