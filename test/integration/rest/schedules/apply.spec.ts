// Is a schedule after a PUT what the request says and nothing else, and does the same request again change nothing?
import { expect, it } from 'vitest';
import { schedule as scheduleShape } from '#server/http/schedules/schedule.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createSchedule,
  newName,
  readSchedule,
  secondsFromNow,
  useTenant,
} from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

const put = (name: string, body: object) => tenant.api.put(`${tenant.path}/schedules/${name}`).send(body);
async function apply(name: string, body: object, status: 200 | 201) {
  const response = await put(name, body).expect(status);
  const schedule = scheduleShape.parse(response.body);
  expect(response.headers['etag']).toBe(`"${schedule.revision}"`);
  return schedule;
}
const daily = { spec: { cron: '0 3 * * *' }, jobType: 'noop' };
const OPTIONS = {
  queue: 'reports',
  concurrencyKey: 'customer-7',
  tags: ['nightly'],
  priority: -5,
  deadlineSeconds: 60,
};
const full = {
  ...daily,
  ...OPTIONS,
  timeZone: 'Europe/Berlin',
  payload: { a: 1 },
  catchUp: { mode: 'all', withinSeconds: 600, max: 3 },
};

it('creates a schedule, and then finds it as it is', async () => {
  const name = newName('applied');
  const response = await put(name, full).expect(201);
  expect(response.headers['location']).toBe(`${tenant.path}/schedules/${name}`);
  const created = scheduleShape.parse(response.body);
  expect(created).toMatchObject({ ...full, name, revision: 1 });
  expect(await apply(name, { ...full, name }, 200)).toEqual(created);
  expect(await readSchedule(tenant, name)).toEqual(created);
});

it('replaces all, and what is left out becomes its default', async () => {
  const name = newName('applied');
  await apply(name, full, 201);
  const replaced = await apply(name, daily, 200);
  expect(replaced).toMatchObject({
    ...daily,
    timeZone: 'UTC',
    payload: {},
    catchUp: { mode: 'latest', withinSeconds: 86_400 },
    queue: 'default',
    concurrencyKey: null,
    tags: [],
    priority: 0,
    deadlineSeconds: null,
    revision: 2,
  });
  const explicit = { ...daily, timeZone: 'UTC', queue: 'default', priority: 0, tags: [], payload: {} };
  expect(await apply(name, explicit, 200)).toEqual(replaced);
});

it.each([
  ['queue', 'other'],
  ['concurrencyKey', 'other'],
  ['tags', ['other']],
  ['priority', 9],
  ['deadlineSeconds', 9],
  ['payload', { b: 2 }],
  ['catchUp', { mode: 'none' }],
  ['timeZone', 'Asia/Tokyo'],
  ['startAt', '2031-01-01T00:00:00.000Z'],
  ['spec', { cron: '0 4 * * *' }],
  ['jobType', 'echo'],
])('with another %s it changes that alone', async (field, value) => {
  const name = newName('applied');
  const { revision: _, updatedAt: __, nextDueAt: ___, text: ____, ...before } = await apply(name, full, 201);
  const after = await apply(name, { ...full, [field]: value }, 200);
  expect(after).toMatchObject({ ...before, [field]: value, revision: 2 });
});

it('lets an interval go on counting, and an instant that has passed stand', async () => {
  const interval = newName('applied');
  const hourly = { spec: { everySeconds: 3_600 }, jobType: 'noop' };
  const first = await apply(interval, hourly, 201);
  const changed = await apply(interval, { ...hourly, spec: { cron: '@every 1h' }, priority: 1 }, 200);
  expect(changed).toMatchObject({ nextDueAt: first.nextDueAt, revision: 2 });
  const once = newName('applied');
  const soon = { spec: { at: secondsFromNow(0.5) }, jobType: 'noop' };
  await apply(once, soon, 201);
  await expect
    .poll(async () => (await readSchedule(tenant, once)).state, { timeout: 60_000, interval: 50 })
    .toBe('ended');
  expect(await apply(once, soon, 200)).toMatchObject({ state: 'ended', revision: 1 });
});

it('leaves a pause as it is', async () => {
  const name = newName('applied');
  await apply(name, daily, 201);
  const pause = { reason: 'later', until: secondsFromNow(3_600) };
  await tenant.api.post(`${tenant.path}/schedules/${name}:pause`).send(pause).expect(200);
  expect(await apply(name, { ...daily, priority: 1 }, 200)).toMatchObject({
    state: 'paused',
    pauseReason: 'later',
    pausedUntil: pause.until,
  });
});

it('with If-None-Match: * only creates, and with If-Match only replaces what was read', async () => {
  const name = newName('applied');
  expectProblem(await put(name, daily).set('If-Match', '*'), 'not-found');
  await put(name, daily).set('If-None-Match', '*').expect(201);
  expect(expectProblem(await put(name, full).set('If-None-Match', '*'), 'etag-mismatch')).toMatchObject({
    currentRevision: 1,
  });
  await put(name, full).set('If-Match', '"1"').expect(200);
  expectProblem(await put(name, daily).set('If-Match', '"1"'), 'etag-mismatch');
  expectProblem(await put(name, daily).set('If-None-Match', '"2"'), 'bad-request');
  expect(await readSchedule(tenant, name)).toMatchObject({ ...OPTIONS, revision: 2 });
});

it('of many at once makes one schedule, and changes it once', async () => {
  const name = newName('applied');
  const answers = await Promise.all(Array.from({ length: 8 }, () => put(name, full)));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
    ...Array<number>(7).fill(200),
    201,
  ]);
  expect(await readSchedule(tenant, name)).toMatchObject({ revision: 1 });
});

it('is refused as a new schedule is, and changes nothing then', async () => {
  const { name: jobType } = await createJobType(tenant);
  const schedule = await createSchedule(tenant, { jobType });
  for (const [body, field] of [
    [{ spec: daily.spec }, '/jobType'],
    [{ jobType: 'noop' }, '/spec'],
    [{ ...daily, name: 'another' }, '/name'],
    [{ ...daily, jobType: 'nobody.has-it' }, '/jobType'],
    [{ ...daily, jobType: 'sleep', payload: { ms: 'long' } }, '/payload/ms'],
    [{ ...daily, queue: 'no/name' }, '/queue'],
    [{ ...daily, overlap: { mode: 'skip' }, concurrencyKey: 'k' }, '/concurrencyKey'],
    [{ ...daily, spec: { at: '2001-01-01T00:00:00Z' } }, '/spec/at'],
    [{ ...daily, endAt: '2001-01-01T00:00:00Z' }, '/endAt'],
    [{ ...daily, state: 'paused' }, '/state'],
  ] as const)
    expect(expectFields(await put(schedule.name, body)), field).toEqual([field]);
  expect(await readSchedule(tenant, schedule.name)).toEqual(schedule);
  const id = '01890a5d-ac96-774b-bcce-b302099a8057';
  expect((await put(id, daily)).status).toBeGreaterThanOrEqual(400);
});
