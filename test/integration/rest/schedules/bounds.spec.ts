// Is a schedule due between its bounds, and only there?
import { describe, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  listFires,
  patchSchedule,
  readSchedule,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const secondsFromNow = (seconds: number) =>
  new Date(Math.ceil(Date.now() / 1_000 + seconds) * 1_000).toISOString();
const patch = (schedule: Pick<Schedule, 'name'>, body: object) => patchSchedule(tenant, schedule, body);

describe('a schedule with bounds', () => {
  it('fires from the first to the last due time in between, and has ended then', async () => {
    const [startAt, endAt] = [secondsFromNow(3), secondsFromNow(5)];
    const schedule = await createSchedule(tenant, { spec: { cron: '* * * * * *' }, startAt, endAt });
    expect(schedule).toMatchObject({ startAt, endAt, nextDueAt: startAt });
    await until('it has ended', async () => (await readSchedule(tenant, schedule.name)).state === 'ended');
    const rows = await until('all are decided', async () => {
      const fires = await listFires(tenant, schedule.name);
      return fires.every(({ outcome }) => outcome !== 'planned') && fires;
    });
    const lastMs = Date.parse(endAt);
    expect(rows.map(({ dueAt }) => (Date.parse(dueAt) - lastMs) / 1_000)).toEqual([0, -1, -2]);
  });

  it('of an interval counts from its first instant, in the past too', async () => {
    const spec = { everySeconds: 3_600 };
    const startAt = '2026-01-01T00:07:30.000Z';
    const { nextDueAt } = await createSchedule(tenant, { spec, startAt });
    expect(nextDueAt?.slice(14)).toBe('07:30.000Z');
    const query = { spec, startAt: '2099-01-01T00:00:00Z', count: 2, endAt: '2099-01-01T01:00:00Z' };
    const { body } = await tenant.api.post(`${tenant.path}/schedules:preview`).send(query).expect(200);
    expect(body).toMatchObject({
      dueTimes: [{ dueAt: '2099-01-01T00:00:00.000Z' }, { dueAt: '2099-01-01T01:00:00.000Z' }],
    });
  });

  it('keeps them when its spec is changed, and loses them by null', async () => {
    const startAt = '2026-01-01T00:07:30.000Z';
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 3_600 }, startAt });
    const endAt = '2099-01-01T00:00:00.000Z';
    expect((await patch(schedule, { endAt }).expect(200)).body).toMatchObject({ startAt, endAt });
    const faster = await patch(schedule, { spec: { everySeconds: 1_800 } }).expect(200);
    expect(faster.body).toMatchObject({ startAt, endAt, spec: { everySeconds: 1_800 } });
    const { body } = await patch(schedule, { startAt: null, endAt: null }).expect(200);
    expect(body).toMatchObject({ startAt: null, endAt: null });
    const once = await patch(schedule, { spec: { at: '2099-01-01T00:00:00Z' } }).expect(200);
    expect(once.body).toMatchObject({ startAt: null, endAt: null });
  });

  it('of an interval that began later begins now once it has no start, and an end alone moves nothing', async () => {
    const spec = { everySeconds: 60 };
    const schedule = await createSchedule(tenant, {
      spec,
      startAt: '2099-01-01T00:00:00Z',
    });
    const patched = async (body: object) =>
      ((await patch(schedule, body).expect(200)).body as Schedule).nextDueAt ?? '';
    const nextDueAt = await patched({ startAt: null });
    expect(Date.parse(nextDueAt) - Date.now()).toBeLessThan(61_000);
    const later = await patched({ endAt: '2098-01-01T00:00:00Z' });
    expect((Date.parse(later) - Date.parse(nextDueAt)) % 60_000).toBe(0);
  });

  const cron = { cron: '0 9 * * *' };
  it.each([
    [
      'an end before its start',
      { spec: cron, startAt: secondsFromNow(9), endAt: secondsFromNow(8) },
      ['/endAt'],
    ],
    ['an end before its first due time', { spec: cron, endAt: secondsFromNow(1) }, ['/endAt']],
    ['an end in the past', { spec: { everySeconds: 1 }, endAt: '2026-01-01T00:00:00Z' }, ['/endAt']],
    ['no instant', { spec: cron, startAt: 'tomorrow' }, ['/startAt']],
    ['a start after which cron knows no time', { spec: cron, startAt: '9000-01-01T00:00:00Z' }, ['/startAt']],
    [
      'a start beside a single instant',
      { spec: { at: secondsFromNow(60) }, startAt: secondsFromNow(1) },
      ['/startAt'],
    ],
    [
      'an end beside a single instant',
      { spec: { at: secondsFromNow(60) }, endAt: secondsFromNow(90) },
      ['/endAt'],
    ],
  ])('is refused with %s', async (_, wish, fields) => {
    const body = { name: 'refused', jobType: 'noop', ...wish };
    expect(expectFields(await tenant.api.post(`${tenant.path}/schedules`).send(body))).toEqual(fields);
  });
});
