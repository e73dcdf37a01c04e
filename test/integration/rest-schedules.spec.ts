// What can a tenant do with schedules, as far as the request alone decides? When they fire is in
// rest-schedule-fires.spec.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schedule as scheduleShape } from '#server/http/schedule.shapes.js';
import { expectFields, expectProblem } from '../support/expect-problem.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { createJobType, createSchedule, createTenant, newName, readSchedule, secondsFromNow, type Schedule, type TestTenant } from '../support/test-tenant.js';

let server: TestServer;
let tenant: TestTenant;

beforeAll(async () => {
  server = await startTestServer();
  tenant = await createTenant(server);
});
afterAll(() => server.stop());

const create = (body: object) => tenant.api.post(`${tenant.path}/schedules`).send({ name: newName('s'), spec: { everySeconds: 3_600 }, jobType: 'noop', ...body });
const pathOf = ({ name }: Pick<Schedule, 'name'>) => `${tenant.path}/schedules/${name}`;
const patch = (schedule: Schedule, body: object, ifMatch = '*') => tenant.api.patch(pathOf(schedule)).set('If-Match', ifMatch).send(body);

describe('creating a schedule', () => {
  it('from a cron expression and a zone answers with its first due time, its ETag and where it is', async () => {
    const response = await create({ name: 'nightly', spec: { cron: '30 2 * * *' }, timeZone: 'Europe/Berlin', payload: { deep: { list: [1, 'ä', null] } } }).expect(201);
    expect(response.headers).toMatchObject({ etag: '"1"', location: `${tenant.path}/schedules/nightly` });
    const created = scheduleShape.parse(response.body);
    expect(created).toMatchObject({ name: 'nightly', state: 'active', spec: { cron: '30 2 * * *' }, timeZone: 'Europe/Berlin', jobType: 'noop', revision: 1 });
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

  it('from an instant is due then, whatever offset it is written with', async () => {
    const created = await createSchedule(tenant, { spec: { at: '2099-06-01T12:00:00.500+02:00' } });
    expect(created).toMatchObject({ spec: { at: '2099-06-01T10:00:00.500Z' }, timeZone: null, nextDueAt: '2099-06-01T10:00:00.500Z' });
  });

  it.each(['@daily', '*/15 * * * * *', '0 9 * * MON-FRI', '0 0 L * *', '0 0 * * 5#2', '0 0 29 2 *'])('takes the cron expression %s', async (cron) => {
    expect(await createSchedule(tenant, { spec: { cron } })).toMatchObject({ spec: { cron }, state: 'active' });
  });

  it('without a payload has an empty one', async () => {
    expect(await createSchedule(tenant)).toMatchObject({ payload: {} });
  });

  it('under a name that is taken answers 409', async () => {
    const { name } = await createSchedule(tenant);
    expect(expectProblem(await create({ name }), 'already-exists').detail).toContain(name);
  });

  it('at the same time as nine others under one name succeeds once', async () => {
    const name = newName('race');
    const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await create({ name })).status));
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, ...Array<number>(9).fill(409)]);
  });
});

describe('a schedule is refused', () => {
  it.each([
    ['with two specs', { spec: { cron: '* * * * *', everySeconds: 60 } }, ['/spec']],
    ['with three specs', { spec: { cron: '* * * * *', everySeconds: 60, at: '2099-01-01T00:00:00Z' } }, ['/spec']],
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
    ['with a zone for an instant', { spec: { at: '2099-01-01T00:00:00Z' }, timeZone: 'Europe/Berlin' }, ['/timeZone']],
    ['with a cron expression that never fires', { spec: { cron: '0 0 30 2 *' } }, ['/spec/cron']],
    ['with four fields of cron', { spec: { cron: '* * * *' } }, ['/spec/cron']],
    ['with seven fields of cron', { spec: { cron: '* * * * * * 2099' } }, ['/spec/cron']],
    ['with the 61st minute', { spec: { cron: '60 * * * *' } }, ['/spec/cron']],
    ['with an unknown nickname', { spec: { cron: '@often' } }, ['/spec/cron']],
    ['with a NUL character in cron', { spec: { cron: '* * * *\0*' } }, ['/spec/cron']],
    ['with an endless cron expression', { spec: { cron: `${'0,'.repeat(500)}0 * * * *` } }, ['/spec/cron']],
    ['with a cron expression that is a list', { spec: { cron: ['*', '*', '*', '*', '*'] } }, ['/spec/cron']],
    ['with an instant in the past', { spec: { at: '2001-01-01T00:00:00Z' } }, ['/spec/at']],
    ['with an instant in year 0', { spec: { at: '0000-01-01T00:00:00Z' } }, ['/spec/at']],
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
    ['with a payload that does not fit its handler', { jobType: 'sleep', payload: { ms: -1 } }, ['/payload/ms']],
    ['without the payload that its handler needs', { jobType: 'sleep' }, ['/payload/ms']],
    ['without a name', { name: undefined }, ['/name']],
    ['with a colon in its name', { name: 'nightly:pause' }, ['/name']],
    ['with a slash in its name', { name: 'a/b' }, ['/name']],
    ['with a name that is too long', { name: 'x'.repeat(101) }, ['/name']],
    ['with a NUL character in its name', { name: 'a\0b' }, ['/name']],
    ['with an unknown field', { overlap: 'SKIP' }, ['/overlap']],
    ['with a field that is only read', { nextDueAt: '2099-01-01T00:00:00Z', state: 'paused' }, ['/nextDueAt', '/state']],
  ])('%s', async (_, wish, fields) => {
    expect([...new Set(expectFields(await create(wish)))]).toEqual(fields);
  });

  it.each([
    ['a number that no double can hold', '{"name":"big","spec":{"everySeconds":1e999},"jobType":"noop"}', '/spec/everySeconds'],
    ['a huge number', '{"name":"big","spec":{"everySeconds":1e300},"jobType":"noop"}', '/spec/everySeconds'],
    ['such a number in the payload', '{"name":"big","spec":{"everySeconds":60},"jobType":"noop","payload":{"n":-1e999}}', '/payload/n'],
    ['a payload with a __proto__', '{"name":"big","spec":{"everySeconds":60},"jobType":"noop","payload":{"__proto__":{"a":1}}}', '/payload/__proto__'],
    ['a payload that is nested without end', `{"name":"big","spec":{"everySeconds":60},"jobType":"noop","payload":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`, '/payload/a/0'],
  ])('with %s', async (_, body, place) => {
    const [field] = expectFields(await tenant.api.post(`${tenant.path}/schedules`).type('json').send(body));
    expect(field?.slice(0, place.length)).toBe(place);
  });

  it('with a payload of more than 256 KiB', async () => {
    expectProblem(await create({ payload: { text: 'x'.repeat(256 * 1_024) } }), 'payload-too-large');
    await create({ payload: { text: 'x'.repeat(255 * 1_024) } }).expect(201);
  });
});

describe('changing a schedule', () => {
  it('wants to know what the change is based on', async () => {
    const schedule = await createSchedule(tenant);
    expectProblem(await tenant.api.patch(pathOf(schedule)).send({ payload: { a: 1 } }), 'precondition-required');
    expectProblem(await tenant.api.delete(pathOf(schedule)), 'precondition-required');
    expect(await readSchedule(tenant, schedule.name)).toEqual(schedule);
  });

  it('based on an old revision changes nothing and names the current one', async () => {
    const schedule = await createSchedule(tenant);
    const changed = await patch(schedule, { payload: { by: 'first' } }, '"1"').expect(200);
    expect(changed.headers['etag']).toBe('"2"');
    expect(expectProblem(await patch(schedule, { payload: { by: 'second' } }, '"1"'), 'etag-mismatch')).toMatchObject({ currentRevision: 2 });
    expect(expectProblem(await tenant.api.delete(pathOf(schedule)).set('If-Match', '"1"'), 'etag-mismatch')).toMatchObject({ currentRevision: 2 });
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ payload: { by: 'first' }, revision: 2 });
  });

  it.each(['1', 'W/"1"', '"x"', '"1", "2"', '"99999999999999999999"', '"-1"', ''])('based on %j, which is no ETag of ours, is refused', async (ifMatch) => {
    const schedule = await createSchedule(tenant);
    expectProblem(await patch(schedule, { payload: {} }, ifMatch), 'etag-mismatch');
    expect(await readSchedule(tenant, schedule.name)).toEqual(schedule);
  });

  it('whatever it is now is allowed to who says so', async () => {
    const schedule = await createSchedule(tenant);
    await patch(schedule, { payload: { a: 1 } }, '*').expect(200);
    await patch(schedule, { payload: { b: 2 } }, ' * ').expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ payload: { a: 1, b: 2 }, revision: 3 });
  });

  it('ten times at once from the same revision succeeds once', async () => {
    const schedule = await createSchedule(tenant);
    const answers = await Promise.all(Array.from({ length: 10 }, async (_, by) => (await patch(schedule, { payload: { by } }, '"1"')).status));
    expect(answers.toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(9).fill(412)]);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ revision: 2 });
  });

  it('merges the payload as RFC 7396 says', async () => {
    const schedule = await createSchedule(tenant, { payload: { a: 'b', c: { d: 'e', f: 'g' }, list: [1, 2] } });
    const response = await tenant.api
      .patch(pathOf(schedule))
      .set('If-Match', '"1"')
      .type('application/merge-patch+json')
      .send(JSON.stringify({ payload: { a: 'z', c: { f: null }, list: [3], new: { x: null, y: 1 } } }))
      .expect(200);
    expect(scheduleShape.parse(response.body).payload).toEqual({ a: 'z', c: { d: 'e' }, list: [3], new: { y: 1 } });
    await patch(schedule, { payload: null }).expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ payload: {} });
  });

  it('puts one spec in the place of another, whether or not the old one is taken away by name', async () => {
    const schedule = await createSchedule(tenant, { spec: { cron: '0 12 * * *' }, timeZone: 'Asia/Tokyo' });
    await patch(schedule, { spec: { cron: '0 13 * * *' } }).expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ spec: { cron: '0 13 * * *' }, timeZone: 'Asia/Tokyo' });
    await patch(schedule, { spec: { cron: null, everySeconds: 60 } }).expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ spec: { everySeconds: 60 }, timeZone: null });
    await patch(schedule, { spec: { cron: '0 14 * * *' } }).expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ spec: { cron: '0 14 * * *' }, timeZone: 'UTC' });
  });

  it('of the zone alone moves the due time', async () => {
    const schedule = await createSchedule(tenant, { spec: { cron: '0 12 * * *' } });
    await patch(schedule, { timeZone: 'Asia/Tokyo' }).expect(200);
    const moved = await readSchedule(tenant, schedule.name);
    expect([moved.timeZone, wallClock(moved.nextDueAt, 'Asia/Tokyo')]).toEqual(['Asia/Tokyo', '12:00']);
    await patch(schedule, { timeZone: null }).expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ timeZone: 'UTC' });
  });

  it('of nothing makes a new revision and keeps everything else', async () => {
    const schedule = await createSchedule(tenant, { payload: { a: 1 } });
    await patch(schedule, {}).expect(200);
    const { updatedAt: _, ...rest } = schedule;
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ ...rest, revision: 2 });
  });

  it('goes through the same checks as creating', async () => {
    const schedule = await createSchedule(tenant, { payload: { a: 1 } });
    for (const [body, field] of [
      [{ name: 'other' }, '/name'],
      [{ revision: 7 }, '/revision'],
      [{ jobType: 'nobody.has-it' }, '/jobType'],
      [{ jobType: null }, '/jobType'],
      [{ jobType: 'sleep' }, '/payload/ms'],
      [{ payload: [1] }, '/payload'],
      [{ payload: { a: '\0' } }, '/payload/a'],
      [{ spec: null }, '/spec'],
      [{ spec: { cron: null } }, '/spec'],
      [{ spec: { cron: '* * * * *', everySeconds: 5 } }, '/spec'],
      [{ spec: { cron: '0 0 31 4 *' } }, '/spec/cron'],
      [{ spec: { at: '2001-01-01T00:00:00Z' } }, '/spec/at'],
      [{ timeZone: 'Europe/Berlin' }, '/timeZone'],
    ] as const) {
      expect(expectFields(await patch(schedule, body))).toEqual([field]);
    }
    expect(await readSchedule(tenant, schedule.name)).toEqual(schedule);
  });

  it('of the times alone is possible when the job type is gone', async () => {
    const { name } = await createJobType(tenant);
    const schedule = await createSchedule(tenant, { jobType: name });
    await tenant.api.delete(`${tenant.path}/job-types/${name}`).expect(204);
    await patch(schedule, { spec: { everySeconds: 7_200 } }).expect(200);
    expect(expectFields(await patch(schedule, { payload: { a: 1 } }))).toEqual(['/jobType']);
  });
});

describe('a schedule', () => {
  it('is paused once and resumed once', async () => {
    const schedule = await createSchedule(tenant);
    const paused = await tenant.api.post(`${pathOf(schedule)}:pause`).expect(200);
    expect(paused.body).toMatchObject({ state: 'paused', revision: 2, nextDueAt: schedule.nextDueAt });
    expect(paused.headers['etag']).toBe('"2"');
    expect(expectProblem(await tenant.api.post(`${pathOf(schedule)}:pause`), 'invalid-state')).toMatchObject({ currentState: 'paused' });
    const resumed = await tenant.api.post(`${pathOf(schedule)}:resume`).expect(200);
    expect(resumed.body).toMatchObject({ state: 'active', revision: 3, nextDueAt: schedule.nextDueAt });
    expect(expectProblem(await tenant.api.post(`${pathOf(schedule)}:resume`), 'invalid-state')).toMatchObject({ currentState: 'active' });
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
  return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(new Date(instant ?? ''));
}
