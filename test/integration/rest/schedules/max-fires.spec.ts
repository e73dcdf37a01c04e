// Has a schedule with maxFires just so many due times, counted from its beginning?
import { describe, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  listFires,
  newName,
  patchSchedule,
  readSchedule,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const post = (wish: object) =>
  tenant.api.post(`${tenant.path}/schedules`).send({ name: newName('counted'), jobType: 'noop', ...wish });
async function previewOf(schedule: Schedule): Promise<string[]> {
  const at = `${tenant.path}/schedules/${schedule.name}:preview?count=50&after=2026-01-01T00:00:00Z`;
  const { body } = await tenant.api.get(at).expect(200);
  return (body as { dueTimes: { dueAt: string }[] }).dueTimes.map(({ dueAt }) => dueAt);
}
const daily = { spec: { cron: '0 9 * * *' }, timeZone: 'Asia/Tokyo', startAt: '2031-01-01T00:00:00.000Z' };
const days = (count: number) =>
  Array.from({ length: count }, (_, day) => `2031-01-0${day + 1}T00:00:00.000Z`);

describe('a schedule with maxFires', () => {
  it.each<object>([
    { cron: '* * * * * *' },
    { everySeconds: 1 },
    { anyOf: [{ everySeconds: 1 }, { cron: '* * * * * *' }] },
  ])('of %j fires so often, and has ended then', async (spec) => {
    const { name, maxFires } = await createSchedule(tenant, { spec, maxFires: 3 });
    expect(maxFires).toBe(3);
    await until('it has ended', async () => (await readSchedule(tenant, name)).state === 'ended');
    expect(await listFires(tenant, name)).toHaveLength(3);
  });

  it('counts from its startAt, says so in its preview and explains what is not due any more', async () => {
    const schedule = await createSchedule(tenant, { ...daily, maxFires: 3 });
    expect(await previewOf(schedule)).toEqual(days(3));
    const at = `${tenant.path}/schedules/${schedule.name}:explain?at=2031-01-04T00:00:00Z`;
    const { body } = await tenant.api.get(at).expect(200);
    expect(body).toMatchObject({ isDue: false, dueBefore: days(3)[2], dueAfter: null });
    expect((body as { text: string }).text).toMatch(/as many due times as its maxFires allows \(3\)/);
    const draft = { ...daily, maxFires: 2, after: '2026-01-01T00:00:00Z' };
    const preview = await tenant.api.post(`${tenant.path}/schedules:preview`).send(draft).expect(200);
    expect((preview.body as { dueTimes: object[] }).dueTimes).toHaveLength(2);
  });

  it('is given another number by a patch, keeps it in one of other fields, and loses it by null', async () => {
    const schedule = await createSchedule(tenant, { ...daily, maxFires: 3 });
    const patched = async (body: object) =>
      (await patchSchedule(tenant, schedule, body).expect(200)).body as Schedule;
    expect(await patched({ maxFires: 5 })).toMatchObject({ maxFires: 5 });
    expect(await previewOf(schedule)).toEqual(days(5));
    expect(await patched({ priority: 3 })).toMatchObject({ maxFires: 5 });
    expect(await patched({ spec: { cron: '0 9 * * MON' } })).toMatchObject({ maxFires: 5 });
    expect((await previewOf(schedule))[4]).toBe('2031-02-03T00:00:00.000Z');
    expect(await patched({ maxFires: null })).toMatchObject({ maxFires: null });
    expect(await previewOf(schedule)).toHaveLength(50);
    expect(await patched({ maxFires: 2, spec: { at: null, everySeconds: 60 } })).toMatchObject({
      maxFires: 2,
    });
    expect(await previewOf(schedule)).toEqual([days(1)[0], '2031-01-01T00:01:00.000Z']);
    expect(await patched({ spec: { at: '2031-01-01T00:00:00Z' } })).toMatchObject({ maxFires: null });
  });

  it('without a startAt counts on from where the old number did, and anew once its times are others', async () => {
    const schedule = await createSchedule(tenant, { spec: { cron: '* * * * * *' }, maxFires: 5_000 });
    const lastAt = async () => {
      const dueAfter = new Date(Date.parse(schedule.createdAt) + 4_900_000).toISOString();
      const at = `${tenant.path}/schedules/${schedule.name}:preview?count=1000&after=${dueAfter}`;
      const { body } = await tenant.api.get(at).expect(200);
      return (body as { dueTimes: { dueAt: string }[] }).dueTimes.at(-1)?.dueAt ?? '';
    };
    const first = Date.parse(await lastAt());
    await until('a second has passed', () =>
      Promise.resolve(Date.now() > Date.parse(schedule.createdAt) + 1_500),
    );
    await patchSchedule(tenant, schedule, { maxFires: 5_001 }).expect(200);
    expect(Date.parse(await lastAt())).toBe(first + 1_000);
    await patchSchedule(tenant, schedule, { timeZone: 'Asia/Tokyo' }).expect(200);
    expect(Date.parse(await lastAt())).toBeGreaterThan(first + 1_000);
  });

  it.each<[string, object, string[]]>([
    ['none', { ...daily, maxFires: 0 }, ['/maxFires']],
    ['half of one', { ...daily, maxFires: 1.5 }, ['/maxFires']],
    ['too many', { ...daily, maxFires: 10_001 }, ['/maxFires']],
    ['text', { ...daily, maxFires: '3' }, ['/maxFires']],
    ['past ones alone', { ...daily, startAt: '2020-01-01T00:00:00Z', maxFires: 3 }, ['/maxFires']],
    ['a number beside an instant', { spec: { at: '2031-01-01T00:00:00Z' }, maxFires: 3 }, ['/maxFires']],
    ['an expression that is none', { spec: { cron: '61 * * * *' }, maxFires: 3 }, ['/spec/cron']],
  ])('is refused with %s', async (_, wish, fields) => {
    expect(expectFields(await post(wish))).toEqual(fields);
  });
});
