// Does a schedule's job run at once on request, with what the schedule says or the request, and does nothing of the
// schedule's plan change?
import { expect, it } from 'vitest';
import { run as runShape } from '#server/http/runs/run.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createSchedule,
  finishedRun,
  listFires,
  listRuns,
  newName,
  patchSchedule,
  readRun,
  readSchedule,
  secondsFromNow,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const pathOf = ({ name }: Pick<Schedule, 'name'>) => `${tenant.path}/schedules/${name}`;
const ask = (schedule: Pick<Schedule, 'name'>, body?: object) =>
  tenant.api.post(`${pathOf(schedule)}:run`).send(body);
async function runNow(schedule: Schedule, body?: object) {
  const response = await ask(schedule, body).expect(201);
  const run = runShape.parse(response.body);
  expect(response.headers['location']).toBe(`${tenant.path}/runs/${run.id}`);
  return run;
}
const yearly = { spec: { cron: '0 0 1 1 *' }, jobType: 'echo' };

it('runs at once with what the schedule says, and leaves its due times and its ledger alone', async () => {
  const options = { queue: 'reports', concurrencyKey: 'customer-7', tags: ['nightly'], priority: -5 };
  const payload = { any: newName('run') };
  const schedule = await createSchedule(tenant, { ...yearly, ...options, payload, deadlineSeconds: 600 });
  const run = await runNow(schedule);
  expect(run).toMatchObject({
    ...options,
    jobType: 'echo',
    payload,
    scheduleId: schedule.id,
    schedule: schedule.name,
    dueAt: null,
  });
  expect(Date.parse(run.deadline ?? '') - Date.parse(run.createdAt)).toBeGreaterThan(590_000);
  expect(Date.parse(run.deadline ?? '') - Date.parse(run.createdAt)).toBeLessThan(610_000);
  expect(await finishedRun(tenant, run)).toMatchObject({
    state: 'succeeded',
    schedule: schedule.name,
    dueAt: null,
  });
  expect((await listRuns(tenant, `?schedule=${schedule.name}`)).map(({ id }) => id)).toEqual([run.id]);
  expect(await listFires(tenant, schedule.name)).toEqual([]);
  expect(await readSchedule(tenant, schedule.name)).toEqual(schedule);
});

it('heeds the overlap of its schedule, unless it is forced', async () => {
  const payload = { ms: 86_000_000 };
  const schedule = await createSchedule(tenant, {
    ...yearly,
    jobType: 'sleep',
    payload,
    overlap: { mode: 'skip' },
  });
  const running = await runNow(schedule);
  await until('it runs', async () => (await readRun(tenant, running.id)).state === 'running');
  const dropped = await finishedRun(tenant, await runNow(schedule));
  expect(dropped).toMatchObject({ state: 'cancelled', error: { name: 'Overlap' } });
  const forced = await runNow(schedule, { force: true, payload: { ms: 1 } });
  expect(await finishedRun(tenant, forced)).toMatchObject({ state: 'succeeded' });
  expect(expectFields(await ask(schedule, { concurrencyKey: 'k' }))).toEqual(['/concurrencyKey']);
});

it('takes what the request says instead', async () => {
  const schedule = await createSchedule(tenant, { ...yearly, payload: { a: 1 }, tags: ['nightly'] });
  const given = { payload: { b: 2 }, queue: 'aside', concurrencyKey: 'k', tags: [], priority: 7 };
  expect(await runNow(schedule, given)).toMatchObject(given);
  expect(await readSchedule(tenant, schedule.name)).toEqual(schedule);
});

it('outlives a pause, another spec and the deletion of its schedule', async () => {
  await tenant.api.post(`${tenant.path}/queues/held:pause`).expect(200);
  const schedule = await createSchedule(tenant, { ...yearly, queue: 'held' });
  const run = await runNow(schedule);
  await tenant.api.post(`${pathOf(schedule)}:pause`).expect(200);
  const paused = await runNow(schedule);
  await patchSchedule(tenant, schedule, { spec: { at: secondsFromNow(3_600) } }).expect(200);
  await tenant.api.delete(pathOf(schedule)).set('If-Match', '*').expect(204);
  await tenant.api.post(`${tenant.path}/queues/held:resume`).expect(200);
  for (const one of [run, paused])
    expect(await finishedRun(tenant, one)).toMatchObject({
      state: 'succeeded',
      scheduleId: schedule.id,
      schedule: null,
    });
});

it('with an Idempotency-Key is done once', async () => {
  const schedule = await createSchedule(tenant, yearly);
  const key = newName('key');
  const once = await ask(schedule).set('Idempotency-Key', key).expect(201);
  const again = await ask(schedule).set('Idempotency-Key', key).expect(201);
  expect(again.body).toEqual(once.body);
  expect(await listRuns(tenant, `?schedule=${schedule.name}`)).toHaveLength(1);
});

it('is refused what its job type does not take, and when that is gone', async () => {
  const { name: jobType } = await createJobType(tenant);
  const schedule = await createSchedule(tenant, { ...yearly, jobType });
  await tenant.api.delete(`${tenant.path}/job-types/${jobType}`).set('If-Match', '*').expect(204);
  expect(expectFields(await ask(schedule))).toEqual(['/jobType']);
  const sleeping = await createSchedule(tenant, { ...yearly, jobType: 'sleep', payload: { ms: 1 } });
  for (const [body, field] of [
    [{ payload: { ms: 'long' } }, '/payload/ms'],
    [{ priority: 1_000 }, '/priority'],
    [{ deadlineSeconds: 0 }, '/deadlineSeconds'],
    [{ runAt: secondsFromNow(1) }, '/runAt'],
  ] as const)
    expect(expectFields(await ask(sleeping, body))).toEqual([field]);
  expect(await listRuns(tenant, `?schedule=${sleeping.name}`)).toEqual([]);
});

it('needs a place among the runs that its tenant may have', async () => {
  const schedule = await createSchedule(tenant, { ...yearly, queue: 'full' });
  await tenant.api.post(`${tenant.path}/queues/full:pause`).expect(200);
  await runNow(schedule);
  await server.admin
    .patch(tenant.path)
    .set('If-Match', '*')
    .send({ limits: { maxQueued: 1 } })
    .expect(200);
  expectProblem(await ask(schedule), 'quota-exceeded');
});

it('is not found where there is no schedule', async () => {
  expectProblem(await ask({ name: 'nobody.has-it' }), 'not-found');
});
