// Does a schedule show how it is paused, and is a pause that can't be refused with what is wrong with it?
import { expect, it } from 'vitest';
import { schedule as scheduleShape } from '#server/http/schedules/schedule.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  readSchedule,
  secondsFromNow,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const ask = ({ name }: Schedule, verb: 'pause' | 'resume', body?: object) =>
  tenant.api.post(`${tenant.path}/schedules/${name}:${verb}`).send(body);
async function done(schedule: Schedule, verb: 'pause' | 'resume', body?: object) {
  const { body: shown } = await ask(schedule, verb, body).expect(200);
  return scheduleShape.parse(shown);
}
const NOT_PAUSED = { state: 'active', pausedAt: null, pausedUntil: null, pauseReason: null };

it('shows why a schedule is paused, since when and until when, and nothing of it once it is resumed', async () => {
  const schedule = await createSchedule(tenant);
  expect(schedule).toMatchObject(NOT_PAUSED);
  const pausedUntil = secondsFromNow(3_600);
  const paused = await done(schedule, 'pause', { reason: 'the bank is closed', until: pausedUntil });
  expect(paused).toMatchObject({
    state: 'paused',
    pausedUntil,
    pauseReason: 'the bank is closed',
    revision: 2,
  });
  expect(Date.parse(paused.pausedAt ?? '')).toBeGreaterThan(Date.parse(schedule.createdAt));
  expect(await readSchedule(tenant, schedule.name)).toEqual(paused);
  expect(await done(schedule, 'resume')).toMatchObject({ ...NOT_PAUSED, revision: 3 });
});

it('a second pause gives another reason and end, and keeps when the first began', async () => {
  const schedule = await createSchedule(tenant);
  const first = await done(schedule, 'pause', { reason: 'first', until: secondsFromNow(3_600) });
  const second = await done(schedule, 'pause', { reason: 'second' });
  expect(second).toMatchObject({
    state: 'paused',
    pausedAt: first.pausedAt,
    pausedUntil: null,
    pauseReason: 'second',
    revision: 3,
  });
});

it('is active once the end has passed, and then is not to be resumed', async () => {
  const schedule = await createSchedule(tenant);
  await done(schedule, 'pause', { until: secondsFromNow(1) });
  await until(
    'the pause is over',
    async () => (await readSchedule(tenant, schedule.name)).state === 'active',
  );
  expect(await readSchedule(tenant, schedule.name)).toMatchObject({ ...NOT_PAUSED, revision: 2 });
  expect(expectProblem(await ask(schedule, 'resume'), 'invalid-state')).toMatchObject({
    currentState: 'active',
  });
});

it.each([
  [{ until: '2001-01-01T00:00:00Z' }, '/until'],
  [{ until: 'tomorrow' }, '/until'],
  [{ reason: 'x'.repeat(201) }, '/reason'],
  [{ reason: '' }, '/reason'],
  [{ for: 60 }, '/for'],
])('is refused with %o', async (body, field) => {
  const schedule = await createSchedule(tenant);
  expect(expectFields(await ask(schedule, 'pause', body))).toEqual([field]);
  expect(await readSchedule(tenant, schedule.name)).toEqual(schedule);
});
