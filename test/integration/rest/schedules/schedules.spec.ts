// What can a tenant do with schedules, as far as the request alone decides? When they fire is in
// rest-schedule-fires.spec.ts.
import { describe, expect, it } from 'vitest';
import { schedule as scheduleShape } from '#server/http/schedules/schedule.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  newName,
  patchSchedule,
  secondsFromNow,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

const create = (body: object) =>
  tenant.api
    .post(`${tenant.path}/schedules`)
    .send({ name: newName('s'), spec: { everySeconds: 3_600 }, jobType: 'noop', ...body });
const pathOf = ({ name }: Pick<Schedule, 'name'>) => `${tenant.path}/schedules/${name}`;
const patch = (schedule: Pick<Schedule, 'name'>, body: object, ifMatch?: string) =>
  patchSchedule(tenant, schedule, body, ifMatch);

describe('creating a schedule', () => {
  it('from a cron expression and a zone answers with its first due time, its ETag and where it is', async () => {
    const response = await create({
      name: 'nightly',
      spec: { cron: '30 2 * * *' },
      timeZone: 'Europe/Berlin',
      payload: { deep: { list: [1, 'ä', null] } },
    }).expect(201);
    expect(response.headers).toMatchObject({ etag: '"1"', location: `${tenant.path}/schedules/nightly` });
    const created = scheduleShape.parse(response.body);
    expect(created).toMatchObject({
      name: 'nightly',
      state: 'active',
      spec: { cron: '30 2 * * *' },
      timeZone: 'Europe/Berlin',
      jobType: 'noop',
      revision: 1,
    });
    expect(created.payload).toEqual({ deep: { list: [1, 'ä', null] } });
    expect(wallClock(created.nextDueAt, 'Europe/Berlin')).toBe('02:30');
    const read = await tenant.api.get(response.headers['location'] ?? '').expect(200);
    expect(read.body).toEqual(response.body);
    expect(read.headers['etag']).toBe('"1"');
  });

  it('from a cron expression alone means UTC', async () => {
    const created = await createSchedule(tenant, { spec: { cron: '30 2 * * *' } });
    expect(created.timeZone).toBe('UTC');
    expect(wallClock(created.nextDueAt, 'UTC')).toBe('02:30');
  });

  it('from an interval is due first after one interval, counted from now', async () => {
    const created = await createSchedule(tenant, { spec: { everySeconds: 86_400 } });
    expect(created).toMatchObject({ spec: { everySeconds: 86_400 }, timeZone: null });
    const aheadMs = Date.parse(created.nextDueAt ?? '') - Date.parse(created.createdAt);
    expect(aheadMs).toBeGreaterThan(86_398_000);
    expect(aheadMs).toBeLessThanOrEqual(86_400_000);
  });

  it('from @every is an interval', async () => {
    expect(await createSchedule(tenant, { spec: { cron: '@every 1h30m' } })).toMatchObject({
      spec: { everySeconds: 5_400 },
      timeZone: null,
    });
  });

  it('from an instant is due then, whatever offset it is written with', async () => {
    const created = await createSchedule(tenant, { spec: { at: '2099-06-01T12:00:00.500+02:00' } });
    expect(created).toMatchObject({
      spec: { at: '2099-06-01T10:00:00.500Z' },
      timeZone: null,
      nextDueAt: '2099-06-01T10:00:00.500Z',
    });
  });

  it.each(['@daily', '*/15 * * * * *', '0 9 * * MON-FRI', '0 0 L * *', '0 0 * * 5#2', '0 0 29 2 *'])(
    'takes the cron expression %s',
    async (cron) => {
      expect(await createSchedule(tenant, { spec: { cron } })).toMatchObject({
        spec: { cron },
        state: 'active',
      });
    },
  );

  it('without a payload has an empty one', async () => {
    expect(await createSchedule(tenant)).toMatchObject({ payload: {} });
  });

  it('under a name that is taken answers 409', async () => {
    const { name } = await createSchedule(tenant);
    expect(expectProblem(await create({ name }), 'already-exists').detail).toContain(name);
  });

  it('at the same time as nine others under one name succeeds once', async () => {
    const name = newName('race');
    const statuses = await Promise.all(
      Array.from({ length: 10 }, async () => (await create({ name })).status),
    );
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, ...Array<number>(9).fill(409)]);
  });
});

describe('a schedule is refused', () => {
  it.each([
    ['with two specs', { spec: { cron: '* * * * *', everySeconds: 60 } }, ['/spec']],
    [
      'with three specs',
      { spec: { cron: '* * * * *', everySeconds: 60, at: '2099-01-01T00:00:00Z' } },
      ['/spec'],
    ],
    ['with an empty spec', { spec: {} }, ['/spec']],
    ['without a spec', { spec: undefined }, ['/spec']],
    ['with null for a spec', { spec: null }, ['/spec']],
    ['with text for a spec', { spec: '* * * * *' }, ['/spec']],
    ['with an unknown kind of spec', { spec: { everyMinutes: 5 } }, ['/spec/everyMinutes', '/spec']],
    ['with an unknown zone', { spec: { cron: '* * * * *' }, timeZone: 'Mars/Olympus' }, ['/timeZone']],
    ['with an offset for a zone', { spec: { cron: '* * * * *' }, timeZone: '+02:00' }, ['/timeZone']],
    ['with an empty zone', { spec: { cron: '* * * * *' }, timeZone: '' }, ['/timeZone']],
    ['with a zone that is a number', { spec: { cron: '* * * * *' }, timeZone: 2 }, ['/timeZone']],
    ['with a zone for an interval', { timeZone: 'Europe/Berlin' }, ['/timeZone']],
    [
      'with a zone for an instant',
      { spec: { at: '2099-01-01T00:00:00Z' }, timeZone: 'Europe/Berlin' },
      ['/timeZone'],
    ],
    ['with a cron expression that never fires', { spec: { cron: '0 0 30 2 *' } }, ['/spec/cron']],
    ['with four fields of cron', { spec: { cron: '* * * *' } }, ['/spec/cron']],
    ['with seven fields of cron', { spec: { cron: '* * * * * * 2099' } }, ['/spec/cron']],
    ['with the 61st minute', { spec: { cron: '60 * * * *' } }, ['/spec/cron']],
    ['with an unknown nickname', { spec: { cron: '@often' } }, ['/spec/cron']],
    ['with an interval of half a second', { spec: { cron: '@every 500ms' } }, ['/spec/cron']],
    ['with an interval of two years', { spec: { cron: '@every 730d' } }, ['/spec/cron']],
    ['with a zone for @every', { spec: { cron: '@every 5m' }, timeZone: 'Europe/Berlin' }, ['/timeZone']],
    ['with a zone that means several', { spec: { cron: '* * * * *' }, timeZone: 'IST' }, ['/timeZone']],
    ['with a zone in cron', { spec: { cron: 'TZ=UTC 0 2 * * *' } }, ['/spec/cron']],
    ['with a NUL character in cron', { spec: { cron: '* * * *\0*' } }, ['/spec/cron']],
    ['with an endless cron expression', { spec: { cron: `${'0,'.repeat(500)}0 * * * *` } }, ['/spec/cron']],
    ['with a cron expression that is a list', { spec: { cron: ['*', '*', '*', '*', '*'] } }, ['/spec/cron']],
    ['with an instant in the past', { spec: { at: '2001-01-01T00:00:00Z' } }, ['/spec/at']],
    ['with an instant in year 0', { spec: { at: '0000-01-01T00:00:00Z' } }, ['/spec/at']],
    ['with an instant in year 10000 of UTC', { spec: { at: '9999-12-31T23:30:00-01:00' } }, ['/spec/at']],
    ['with an instant without an offset', { spec: { at: '2099-01-01T00:00:00' } }, ['/spec/at']],
    ['with a day that does not exist', { spec: { at: '2099-02-29T00:00:00Z' } }, ['/spec/at']],
    ['with an instant that is a number', { spec: { at: 4_070_908_800_000 } }, ['/spec/at']],
    ['with an interval of nothing', { spec: { everySeconds: 0 } }, ['/spec/everySeconds']],
    ['with a negative interval', { spec: { everySeconds: -5 } }, ['/spec/everySeconds']],
    ['with half a second', { spec: { everySeconds: 0.5 } }, ['/spec/everySeconds']],
    ['with an interval of more than a year', { spec: { everySeconds: 31_536_001 } }, ['/spec/everySeconds']],
    ['with an interval that is text', { spec: { everySeconds: '60' } }, ['/spec/everySeconds']],
    ['with an unknown job type', { jobType: 'nobody.has-it' }, ['/jobType']],
    ['without a job type', { jobType: undefined }, ['/jobType']],
    ['with a job type that is no name', { jobType: 'No Op' }, ['/jobType']],
    ['with a payload that is a list', { payload: [1] }, ['/payload']],
    ['with a payload that is text', { payload: 'x' }, ['/payload']],
    ['with a payload that is null', { payload: null }, ['/payload']],
    ['with a NUL character in the payload', { payload: { a: { b: ['x\0y'] } } }, ['/payload/a/b/0']],
    ['with a NUL character in a name of the payload', { payload: { 'a\0': 1 } }, ['/payload/a\0']],
    ['with half a surrogate pair in the payload', { payload: { a: '\udc00' } }, ['/payload/a']],
    [
      'with a payload that does not fit its handler',
      { jobType: 'sleep', payload: { ms: -1 } },
      ['/payload/ms'],
    ],
    ['without the payload that its handler needs', { jobType: 'sleep' }, ['/payload/ms']],
    ['without a name', { name: undefined }, ['/name']],
    ['with a colon in its name', { name: 'nightly:pause' }, ['/name']],
    ['with a slash in its name', { name: 'a/b' }, ['/name']],
    ['with a name that is too long', { name: 'x'.repeat(101) }, ['/name']],
    ['with a NUL character in its name', { name: 'a\0b' }, ['/name']],
    ['with an unknown field', { overlap: 'SKIP' }, ['/overlap']],
    [
      'with a field that is only read',
      { nextDueAt: '2099-01-01T00:00:00Z', state: 'paused' },
      ['/nextDueAt', '/state'],
    ],
  ])('%s', async (_, wish, fields) => {
    expect([...new Set(expectFields(await create(wish)))]).toEqual(fields);
  });

  it.each([
    [
      'a number that no double can hold',
      '{"name":"big","spec":{"everySeconds":1e999},"jobType":"noop"}',
      '/spec/everySeconds',
    ],
    ['a huge number', '{"name":"big","spec":{"everySeconds":1e300},"jobType":"noop"}', '/spec/everySeconds'],
    [
      'such a number in the payload',
      '{"name":"big","spec":{"everySeconds":60},"jobType":"noop","payload":{"n":-1e999}}',
      '/payload/n',
    ],
    [
      'a payload with a __proto__',
      '{"name":"big","spec":{"everySeconds":60},"jobType":"noop","payload":{"__proto__":{"a":1}}}',
      '/payload/__proto__',
    ],
    [
      'a payload that is nested without end',
      `{"name":"big","spec":{"everySeconds":60},"jobType":"noop","payload":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`,
      '/payload/a/0',
    ],
  ])('with %s', async (_, body, place) => {
    const [field] = expectFields(await tenant.api.post(`${tenant.path}/schedules`).type('json').send(body));
    expect(field?.slice(0, place.length)).toBe(place);
  });

  it('with a payload of more than 256 KiB', async () => {
    expectProblem(await create({ payload: { text: 'x'.repeat(256 * 1_024) } }), 'payload-too-large');
    await create({ payload: { text: 'x'.repeat(255 * 1_024) } }).expect(201);
  });
});

describe('a schedule', () => {
  it('is paused and resumed once', async () => {
    const schedule = await createSchedule(tenant);
    const paused = await tenant.api.post(`${pathOf(schedule)}:pause`).expect(200);
    expect(paused.body).toMatchObject({ state: 'paused', revision: 2, nextDueAt: schedule.nextDueAt });
    expect(paused.headers['etag']).toBe('"2"');
    const resumed = await tenant.api.post(`${pathOf(schedule)}:resume`).expect(200);
    expect(resumed.body).toMatchObject({ state: 'active', revision: 3, nextDueAt: schedule.nextDueAt });
    expect(expectProblem(await tenant.api.post(`${pathOf(schedule)}:resume`), 'invalid-state')).toMatchObject(
      { currentState: 'active' },
    );
  });

  it('that is deleted is gone, and its name is free', async () => {
    const schedule = await createSchedule(tenant);
    await tenant.api.delete(pathOf(schedule)).set('If-Match', '"1"').expect(204);
    for (const response of [
      await tenant.api.get(pathOf(schedule)),
      await tenant.api.get(`${pathOf(schedule)}/fires`),
      await tenant.api.delete(pathOf(schedule)).set('If-Match', '*'),
      await patch(schedule, {}),
      await tenant.api.post(`${pathOf(schedule)}:pause`),
      await tenant.api.post(`${pathOf(schedule)}:resume`),
    ]) {
      expect(expectProblem(response, 'not-found').detail).toContain(schedule.name);
    }
    expect(await createSchedule(tenant, { name: schedule.name })).toMatchObject({ revision: 1 });
  });

  it.each([':explode', ':', '/pause'])('has no verb %s', async (verb) => {
    const schedule = await createSchedule(tenant);
    expectProblem(await tenant.api.post(`${pathOf(schedule)}${verb}`), 'not-found');
  });

  it('whose instant has not come is due then, to the millisecond', async () => {
    const at = secondsFromNow(3_600);
    expect(await createSchedule(tenant, { spec: { at } })).toMatchObject({ nextDueAt: at });
  });
});

function wallClock(instant: string | null, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(
    new Date(instant ?? ''),
  );
}
