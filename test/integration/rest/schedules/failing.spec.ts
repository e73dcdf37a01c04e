// Does a schedule whose runs fail one after the other pause by itself, if it says so, and say why?
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createSchedule,
  listFires,
  listRuns,
  newName,
  patchSchedule,
  readSchedule,
  useTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const failing = async (wish: object = {}) => {
  const { name: jobType } = await createJobType(tenant, { target: { kind: 'handler', handler: 'fail' } });
  return createSchedule(tenant, { spec: { everySeconds: 1 }, jobType, pauseAfterFailures: 2, ...wish });
};
const untilPaused = (name: string) =>
  until('it is paused', async () => {
    const schedule = await readSchedule(tenant, name);
    return schedule.state === 'paused' && schedule;
  });

it('pauses after as many failures as it says, takes back what is planned, and begins anew when resumed', async () => {
  const { name } = await failing();
  const paused = await untilPaused(name);
  expect(paused.pauseReason).toMatch(/^its last \d runs failed \(pauseAfterFailures\)$/);
  expect(paused.consecutiveFailures).toBeGreaterThanOrEqual(2);
  const ahead = (await listFires(tenant, name)).filter(({ dueAt }) => +dueAt > Date.now() + 2_000);
  expect(ahead).toEqual([]);
  const resumed = await tenant.api.post(`${tenant.path}/schedules/${name}:resume`).expect(200);
  expect(resumed.body).toMatchObject({ state: 'active', consecutiveFailures: 0, pauseReason: null });
  expect((await untilPaused(name)).consecutiveFailures).toBeGreaterThanOrEqual(2);
});

it('counts on after a success from none, and cancelled runs not at all', async () => {
  const { id, name } = await failing({ pauseAfterFailures: 100 });
  await until('two have failed', async () => (await readSchedule(tenant, name)).consecutiveFailures >= 2);
  await tenant.api.post(`${tenant.path}/schedules/${name}:pause`).expect(200);
  await until('nothing of it is left', async () => {
    const states = (await listRuns(tenant, `?schedule=${name}`)).map(({ finishedAt }) => finishedAt);
    return states.every((finishedAt) => finishedAt !== null);
  });
  const { consecutiveFailures: before } = await readSchedule(tenant, name);
  const db = openDatabase(server.databaseUrl);
  const newest = sql`(select id from carillon.run_history where schedule_id = ${id} order by id desc limit 1)`;
  await sql`update carillon.run_history set outcome = 'cancelled' where id = ${newest}`.execute(db);
  expect((await readSchedule(tenant, name)).consecutiveFailures).toBe(before - 1);
  await sql`update carillon.run_history set outcome = 'succeeded' where id = ${newest}`.execute(db);
  expect((await readSchedule(tenant, name)).consecutiveFailures).toBe(0);
});

it('goes on, if it does not say so, and counts all the same', async () => {
  const { name } = await failing({ pauseAfterFailures: null });
  await until('three have failed', async () => (await readSchedule(tenant, name)).consecutiveFailures >= 3);
  const schedule = await readSchedule(tenant, name);
  expect(schedule).toMatchObject({ state: 'active', pauseAfterFailures: null });
  const calm = { spec: { everySeconds: 3_600 }, pauseAfterFailures: 3 };
  await patchSchedule(tenant, schedule, calm).expect(200);
  await untilPaused(name);
});

it('is asked for and taken back by a patch', async () => {
  const schedule = await createSchedule(tenant, { pauseAfterFailures: 7 });
  expect(schedule).toMatchObject({ pauseAfterFailures: 7, consecutiveFailures: 0 });
  const { body } = await patchSchedule(tenant, schedule, { pauseAfterFailures: null }).expect(200);
  expect(body).toMatchObject({ pauseAfterFailures: null });
});

it.each([0, 101, 1.5, '3'])('refuses %j as a number of failures', async (pauseAfterFailures) => {
  const body = { name: newName('schedule'), spec: { everySeconds: 60 }, jobType: 'noop', pauseAfterFailures };
  expect(expectFields(await tenant.api.post(`${tenant.path}/schedules`).send(body))).toEqual([
    '/pauseAfterFailures',
  ]);
});
