// Is a schedule of several specs due whenever one of them is, and does each of its routes know them?
import { describe, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  listFires,
  patchSchedule,
  postSchedule,
  readSchedule,
  secondsFromNow,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const post = (wish: object) => postSchedule(tenant, wish);
const inTokyo = {
  spec: {
    anyOf: [{ cron: '0 9 * * MON-FRI' }, { cron: '0 11 * * SAT,SUN' }, { at: '2031-01-01T00:00:00.000Z' }],
  },
  timeZone: 'Asia/Tokyo',
};
const path = (schedule: Schedule): string => `${tenant.path}/schedules/${schedule.name}`;

describe('a schedule of several specs', () => {
  it('fires whenever one of them is due, and once where two are', async () => {
    const [first, second, third] = [2, 3, 4].map((seconds) => secondsFromNow(seconds).slice(0, 19) + '.000Z');
    const anyOf = [{ at: [first, second] }, { at: [second, third] }, { everySeconds: 31_536_000 }];
    const { name } = await createSchedule(tenant, { spec: { anyOf }, endAt: third });
    await until('it has ended', async () => (await readSchedule(tenant, name)).state === 'ended');
    const rows = await until('all are decided', async () => {
      const fires = await listFires(tenant, name);
      return fires.every(({ outcome }) => outcome !== 'planned') && fires;
    });
    expect(rows.map(({ dueAt }) => dueAt)).toEqual([third, second, first]);
  });

  it('is shown, previewed in its zone, and explained', async () => {
    const schedule = await createSchedule(tenant, inTokyo);
    expect(schedule).toMatchObject({
      ...inTokyo,
      text: 'At 09:00, Monday through Friday, Asia/Tokyo; At 11:00, only on Saturday and Sunday, Asia/Tokyo; Once, at 2031-01-01T00:00:00.000Z',
    });
    const { body } = await tenant.api
      .get(`${path(schedule)}:preview?count=3&after=2030-12-27T12:00:00Z`)
      .expect(200);
    const { dueTimes } = body as { dueTimes: { local: string }[] };
    expect(dueTimes.map(({ local }) => local)).toEqual([
      '2030-12-28T11:00:00.000+09:00',
      '2030-12-29T11:00:00.000+09:00',
      '2030-12-30T09:00:00.000+09:00',
    ]);
    const explained = await tenant.api.get(`${path(schedule)}:explain?at=2031-01-01T00:00:00Z`).expect(200);
    expect(explained.body).toMatchObject({
      isDue: true,
      dueBefore: '2030-12-31T00:00:00.000Z',
      dueAfter: '2031-01-02T00:00:00.000Z',
    });
  });

  it('keeps its zone, its bounds and the beginnings of its intervals in a patch that says them again', async () => {
    const schedule = await createSchedule(tenant, inTokyo);
    const patched = async (body: object) =>
      (await patchSchedule(tenant, schedule, body).expect(200)).body as Schedule;
    const endAt = '2031-06-01T00:00:00.000Z';
    expect(await patched({ endAt })).toMatchObject({ ...inTokyo, endAt });
    const anyOf = [{ cron: '@every 1d' }, { cron: '0 9 * * *' }];
    const each = await patched({ spec: { anyOf } });
    expect(each).toMatchObject({
      spec: { anyOf: [{ everySeconds: 86_400 }, { cron: '0 9 * * *' }] },
      timeZone: 'Asia/Tokyo',
      endAt,
    });
    const one = await patched({ spec: { everySeconds: 86_400 } });
    expect(one).toMatchObject({ timeZone: null, endAt });
    await until('a second has passed', () => Promise.resolve(Date.now() > Date.parse(one.updatedAt) + 1_100));
    expect(await patched({ spec: { anyOf: [{ everySeconds: 86_400 }, { at: endAt }] } })).toMatchObject({
      nextDueAt: one.nextDueAt,
    });
    expect(await patched({ spec: { anyOf: null, cron: '0 9 * * *' } })).toMatchObject({ timeZone: 'UTC' });
  });

  const daily = { cron: '0 9 * * *' };
  it.each<[string, object, string[]]>([
    ['one spec', { spec: { anyOf: [daily] } }, ['/spec/anyOf']],
    ['too many', { spec: { anyOf: Array.from({ length: 21 }, () => daily) } }, ['/spec/anyOf']],
    ['another spec beside them', { spec: { anyOf: [daily, daily], everySeconds: 60 } }, ['/spec']],
    [
      'one within another',
      { spec: { anyOf: [daily, { anyOf: [daily, daily] }] } },
      ['/spec/anyOf/1/anyOf', '/spec/anyOf/1'],
    ],
    ['two in one', { spec: { anyOf: [daily, { ...daily, everySeconds: 60 }] } }, ['/spec/anyOf/1']],
    [
      'an expression that is none',
      { spec: { anyOf: [daily, { cron: '61 * * * *' }] } },
      ['/spec/anyOf/1/cron'],
    ],
    ['an interval of no time', { spec: { anyOf: [daily, { cron: '@every 0s' }] } }, ['/spec/anyOf/1/cron']],
    [
      'an interval of nothing',
      { spec: { anyOf: [{ everySeconds: 0 }, daily] } },
      ['/spec/anyOf/0/everySeconds'],
    ],
    ['a zone that is none', { spec: { anyOf: [daily, daily] }, timeZone: 'Nowhere' }, ['/timeZone']],
    [
      'a zone for none',
      { spec: { anyOf: [{ everySeconds: 60 }, { everySeconds: 90 }] }, timeZone: 'UTC' },
      ['/timeZone'],
    ],
    ['an end before them', { spec: { anyOf: [daily, daily] }, endAt: '2026-01-01T00:00:00Z' }, ['/endAt']],
    [
      'past instants alone',
      { spec: { anyOf: [{ at: '2001-01-01T00:00:00Z' }, { at: ['2002-01-01T00:00:00Z'] }] } },
      ['/spec/anyOf'],
    ],
    ['a start that is none', { spec: { anyOf: [daily, daily] }, startAt: 'x' }, ['/startAt']],
  ])('is refused with %s', async (_, wish, fields) => {
    expect(expectFields(await post(wish))).toEqual(fields);
  });

  it('can be sent again as it was shown', async () => {
    const { spec, timeZone, startAt, endAt, text } = await createSchedule(tenant, inTokyo);
    const { body } = await post({ spec, timeZone, startAt, endAt }).expect(201);
    expect(body).toMatchObject({ ...inTokyo, text });
  });
});
