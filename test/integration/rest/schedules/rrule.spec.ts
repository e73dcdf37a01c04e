// Is a schedule with an RRULE due by it, in its zone and from its beginning, and does each of its routes know it?
import { describe, expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  listFires,
  patchSchedule,
  postSchedule,
  secondsFromNow,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const post = (wish: object) => postSchedule(tenant, wish);
const secondTuesday = {
  spec: { rrule: 'FREQ=MONTHLY;BYDAY=2TU;BYHOUR=9;BYMINUTE=0;BYSECOND=0' },
  timeZone: 'Europe/Berlin',
};

describe('a schedule with an RRULE', () => {
  it('fires at its beginning, if the rule names it', async () => {
    const startAt = `${secondsFromNow(3).slice(0, 19)}.000Z`;
    const schedule = await createSchedule(tenant, { spec: { rrule: 'FREQ=DAILY' }, startAt });
    expect(schedule.nextDueAt).toBe(startAt);
    const [row] = await until('it has fired', async () => {
      const fires = await listFires(tenant, schedule.name);
      return fires.length > 0 && fires.every(({ outcome }) => outcome !== 'planned') && fires;
    });
    expect(row).toMatchObject({ dueAt: startAt, outcome: 'fired' });
  });

  it('is shown, previewed in its zone, explained, and can be sent again', async () => {
    const schedule = await createSchedule(tenant, secondTuesday);
    expect(schedule).toMatchObject({
      ...secondTuesday,
      text: 'Every month, on the 2nd Tuesday of the month, at 09:00, Europe/Berlin',
    });
    const at = `${tenant.path}/schedules/${schedule.name}`;
    const { body } = await tenant.api.get(`${at}:preview?count=3&after=2031-02-20T00:00:00Z`).expect(200);
    expect(body).toMatchObject({
      dueTimes: [
        { local: '2031-03-11T09:00:00.000+01:00' },
        { local: '2031-04-08T09:00:00.000+02:00' },
        { local: '2031-05-13T09:00:00.000+02:00' },
      ],
    });
    const explained = await tenant.api.get(`${at}:explain?at=2031-04-08T07:00:00Z`).expect(200);
    expect(explained.body).toMatchObject({ isDue: true, dueBefore: '2031-03-11T08:00:00.000Z' });
    const { spec, timeZone, startAt, endAt, maxFires } = schedule;
    expect((await post({ spec, timeZone, startAt, endAt, maxFires }).expect(201)).body).toMatchObject(
      secondTuesday,
    );
  });

  it('is counted, and stands beside other specs', async () => {
    const draft = {
      spec: { anyOf: [secondTuesday.spec, { rrule: 'freq=yearly' }, { cron: '0 12 1 1 *' }] },
      timeZone: 'Europe/Berlin',
      startAt: '2031-01-01T00:00:00Z',
      after: '2030-01-01T00:00:00Z',
      maxFires: 3,
    };
    const { body } = await tenant.api.post(`${tenant.path}/schedules:preview`).send(draft).expect(200);
    expect((body as { dueTimes: { dueAt: string }[] }).dueTimes.map(({ dueAt }) => dueAt)).toEqual([
      '2031-01-01T00:00:00.000Z',
      '2031-01-01T11:00:00.000Z',
      '2031-01-14T08:00:00.000Z',
    ]);
  });

  it('goes on from its beginning when a patch says the same rule again, and keeps its zone', async () => {
    const schedule = await createSchedule(tenant, { spec: { rrule: 'FREQ=YEARLY' }, timeZone: 'Asia/Tokyo' });
    const patched = async (body: object) =>
      (await patchSchedule(tenant, schedule, body).expect(200)).body as Schedule;
    await until('a second has passed', () =>
      Promise.resolve(Date.now() > Date.parse(schedule.createdAt) + 1_100),
    );
    expect(await patched({ spec: { rrule: 'RRULE:freq=yearly' } })).toMatchObject({
      spec: { rrule: 'FREQ=YEARLY' },
      timeZone: 'Asia/Tokyo',
      nextDueAt: schedule.nextDueAt,
    });
    expect(await patched({ endAt: '2099-01-01T00:00:00Z' })).toMatchObject({ nextDueAt: schedule.nextDueAt });
    expect(await patched({ spec: { cron: '0 9 * * *' } })).toMatchObject({ timeZone: 'Asia/Tokyo' });
    expect(await patched({ spec: { cron: null, rrule: 'FREQ=DAILY' } })).toMatchObject({
      timeZone: 'Asia/Tokyo',
    });
    expect(await patched({ spec: { everySeconds: 60 } })).toMatchObject({ timeZone: null });
  });

  it.each<[string, object, string[]]>([
    ['nothing', { spec: { rrule: '' } }, ['/spec/rrule']],
    ['no frequency', { spec: { rrule: 'BYHOUR=9' } }, ['/spec/rrule']],
    ['an unknown part', { spec: { rrule: 'FREQ=DAILY;BYEASTER=1' } }, ['/spec/rrule']],
    ['a rule that is never due', { spec: { rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30' } }, ['/spec/rrule']],
    [
      'a wrong one among several',
      { spec: { anyOf: [{ cron: '@daily' }, { rrule: 'FREQ=X' }] } },
      ['/spec/anyOf/1/rrule'],
    ],
    ['a zone that is none', { ...secondTuesday, timeZone: 'Nowhere' }, ['/timeZone']],
    ['an end before it', { ...secondTuesday, endAt: '2026-01-01T00:00:00Z' }, ['/endAt']],
    ['another spec beside it', { spec: { ...secondTuesday.spec, everySeconds: 60 } }, ['/spec']],
    ['too long a rule', { spec: { rrule: `FREQ=DAILY;BYMINUTE=${'1,'.repeat(300)}1` } }, ['/spec/rrule']],
  ])('is refused with %s', async (_, wish, fields) => {
    expect(expectFields(await post(wish))).toEqual(fields);
  });

  it('is refused by the name of the part, with what says the same here', async () => {
    const problem = expectProblem(await post({ spec: { rrule: 'FREQ=DAILY;COUNT=3' } }), 'validation-failed');
    expect(problem['detail']).toBe(
      '/spec/rrule: expected no COUNT, but maxFires beside the spec, got "COUNT=3"',
    );
  });
});
