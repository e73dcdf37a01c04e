// Does a schedule fire as it was asked to, and does its ledger tell so? These tests take the seconds that
// their schedules ask for: they wait for rows, in real time.
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  createTenant,
  finishedRun,
  listFires,
  listRuns,
  newName,
  patchSchedule,
  readSchedule,
  secondsFromNow,
  type Fire,
  type Schedule,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

let tenant: TestTenant;

const server = useTestServer();

const act = (schedule: Pick<Schedule, 'name'>, verb: string) =>
  tenant.api.post(`${tenant.path}/schedules/${schedule.name}:${verb}`).expect(200);
const patch = (schedule: Pick<Schedule, 'name'>, body: object) =>
  patchSchedule(tenant, schedule, body).expect(200);
const fires = (schedule: Schedule, query = '?pageSize=200') => listFires(tenant, schedule.name, query);
const untilFire = (schedule: Schedule, what: string, is: (row: Fire) => boolean) =>
  until(what, async () => (await fires(schedule)).find(is));
const planned = (schedule: Schedule) =>
  listRuns(tenant, `?state=scheduled&schedule=${schedule.name}&pageSize=200`);

/** Far enough ahead to be planned but not yet claimed. */
const PLANNED_SECONDS = 6;

describe('firing', () => {
  beforeAll(async () => {
    tenant = await createTenant(server);
  });

  it('runs the job with the payload at each due time, and the ledger says when it started (I6)', async () => {
    const payload = { from: newName('fires') };
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 }, jobType: 'record', payload });
    const fired = await untilFire(schedule, 'it has fired', ({ outcome }) => outcome === 'fired');
    expect(fired.startedAt).not.toBeNull();
    expect(fired.latenessMs).toBe(Date.parse(fired.startedAt ?? '') - Date.parse(fired.dueAt));
    expect(fired.latenessMs).toBeGreaterThanOrEqual(0);
    expect(await finishedRun(tenant, { id: fired.runId ?? '' })).toMatchObject({
      state: 'succeeded',
      jobType: 'record',
      payload,
      schedule: schedule.name,
      dueAt: fired.dueAt,
      runAt: fired.dueAt,
    });
    const lines = await server.sideLog();
    expect(lines).toContainEqual(
      expect.objectContaining({ runId: fired.runId, attempt: 1, dueAt: fired.dueAt, payload }),
    );
  });

  it('of an instant happens once, and ends the schedule', async () => {
    const schedule = await createSchedule(tenant, { spec: { at: secondsFromNow(1) } });
    await untilFire(schedule, 'it has fired', ({ outcome }) => outcome === 'fired');
    expect(await fires(schedule)).toHaveLength(1);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ state: 'ended', nextDueAt: null });
    expect(
      expectProblem(
        await tenant.api.post(`${tenant.path}/schedules/${schedule.name}:pause`),
        'invalid-state',
      ),
    ).toMatchObject({ currentState: 'ended' });
  });

  it('goes on when an ended schedule is given new times', async () => {
    const schedule = await createSchedule(tenant, { spec: { at: secondsFromNow(1) } });
    await untilFire(schedule, 'it has fired', ({ outcome }) => outcome === 'fired');
    await patch(schedule, { spec: { at: secondsFromNow(1) } });
    await until(
      'it has fired twice',
      async () => (await fires(schedule)).filter(({ outcome }) => outcome === 'fired').length === 2,
    );
  });
});

describe('pausing', () => {
  beforeAll(async () => {
    tenant = await createTenant(server);
  });

  it('records due times as skipped, and after resuming they fire again; none is lost or doubled (I1)', async () => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    await untilFire(schedule, 'it has fired', ({ outcome }) => outcome === 'fired');
    await act(schedule, 'pause');
    const skipped = await untilFire(
      schedule,
      'a due time is skipped',
      ({ outcome }) => outcome === 'skipped',
    );
    expect(skipped).toMatchObject({ reason: 'paused', runId: null, startedAt: null, latenessMs: null });
    expect(await planned(schedule)).toEqual([]);
    await act(schedule, 'resume');
    await untilFire(
      schedule,
      'it has fired again',
      ({ outcome, dueAt }) => outcome === 'fired' && dueAt > skipped.dueAt,
    );
    await act(schedule, 'pause');
    const dueMs = (await fires(schedule)).map(({ dueAt }) => Date.parse(dueAt));
    expect(dueMs).toEqual(dueMs.map((_, index) => (dueMs[0] ?? 0) - index * 1_000));
  });

  it('takes back what was planned and not claimed', async () => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: PLANNED_SECONDS } });
    const runs = await until('it is planned', async () => {
      const found = await planned(schedule);
      return found.length > 0 && found;
    });
    const [run] = runs.toSorted((a, b) => ((a.dueAt ?? '') < (b.dueAt ?? '') ? -1 : 1));
    await act(schedule, 'pause');
    expect(await planned(schedule)).toEqual([]);
    expect(await fires(schedule)).toEqual([]);
    expectProblem(await tenant.api.get(`${tenant.path}/runs/${run?.id ?? ''}`), 'not-found');
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({
      state: 'paused',
      nextDueAt: run?.dueAt,
    });
  });

  it('holds back an instant that is planned already', async () => {
    const schedule = await createSchedule(tenant, { spec: { at: secondsFromNow(PLANNED_SECONDS) } });
    await until('it is planned', async () => (await planned(schedule)).length === 1);
    await act(schedule, 'pause');
    expect(await planned(schedule)).toEqual([]);
    await act(schedule, 'resume');
    await until('it is planned again', async () => (await planned(schedule)).length === 1);
  });
});

describe('changing', () => {
  beforeAll(async () => {
    tenant = await createTenant(server);
  });

  it('the times takes planned runs back', async () => {
    const schedule = await createSchedule(tenant, { spec: { at: secondsFromNow(PLANNED_SECONDS) } });
    await until('it is planned', async () => (await planned(schedule)).length === 1);
    const later = secondsFromNow(3_600);
    await patch(schedule, { spec: { at: later } });
    expect(await planned(schedule)).toEqual([]);
    expect(await fires(schedule)).toEqual([]);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ state: 'active', nextDueAt: later });
  });

  it('the payload reaches runs that are planned already', async () => {
    const schedule = await createSchedule(tenant, {
      spec: { everySeconds: PLANNED_SECONDS },
      payload: { version: 1 },
    });
    const [old] = await until('it is planned', async () => {
      const runs = await planned(schedule);
      return runs.length > 0 && runs;
    });
    await patch(schedule, { payload: { version: 2 } });
    const replanned = await until('it is planned again', async () =>
      (await planned(schedule)).find(({ dueAt }) => dueAt === old?.dueAt),
    );
    expect(replanned.payload).toEqual({ version: 2 });
  });

  it('the payload of an instant that is planned already loses nothing', async () => {
    const schedule = await createSchedule(tenant, {
      spec: { at: secondsFromNow(3) },
      jobType: 'echo',
      payload: { version: 1 },
    });
    await until('it is planned', async () => (await planned(schedule)).length === 1);
    await patch(schedule, { payload: { version: 2 } });
    const decided = await untilFire(
      schedule,
      'the due time is decided',
      ({ outcome }) => outcome !== 'planned',
    );
    expect(decided).toMatchObject({ outcome: 'fired', reason: null });
    expect(await finishedRun(tenant, { id: decided.runId ?? '' })).toMatchObject({ output: { version: 2 } });
  });

  it('that is refused leaves planned runs alone', async () => {
    const schedule = await createSchedule(tenant, { spec: { at: secondsFromNow(PLANNED_SECONDS) } });
    const [run] = await until('it is planned', async () => {
      const runs = await planned(schedule);
      return runs.length > 0 && runs;
    });
    const response = await tenant.api
      .patch(`${tenant.path}/schedules/${schedule.name}`)
      .set('If-Match', '"7"')
      .send({ spec: { everySeconds: 5 } });
    expectProblem(response, 'etag-mismatch');
    expect((await planned(schedule)).map(({ id }) => id)).toEqual([run?.id]);
  });

  it('to no schedule at all takes planned runs back, too', async () => {
    const schedule = await createSchedule(tenant, { spec: { at: secondsFromNow(PLANNED_SECONDS) } });
    const [run] = await until('it is planned', async () => {
      const runs = await planned(schedule);
      return runs.length > 0 && runs;
    });
    await tenant.api.delete(`${tenant.path}/schedules/${schedule.name}`).set('If-Match', '*').expect(204);
    expectProblem(await tenant.api.get(`${tenant.path}/runs/${run?.id ?? ''}`), 'not-found');
  });
});

it('a storm of changes is answered, each for itself, and leaves every due time decided once (I1)', async () => {
  tenant = await createTenant(server);
  const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 }, jobType: 'record' });
  await untilFire(schedule, 'it has fired', ({ outcome }) => outcome === 'fired');
  const path = `${tenant.path}/schedules/${schedule.name}`;
  const storms = Array.from({ length: 120 }, async (_, index) => {
    if (index % 3 === 0) return tenant.api.patch(path).set('If-Match', '*').send({ payload: { index } });
    return tenant.api.post(`${path}:${index % 2 === 0 ? 'pause' : 'resume'}`);
  });
  const statuses = new Set((await Promise.all(storms)).map(({ status }) => status));
  expect([...statuses].filter((status) => ![200, 409, 412, 503].includes(status))).toEqual([]);
  await until('it is resumed', async () => (await tenant.api.post(`${path}:resume`)).status !== 503);
  const calm = new Date().toISOString();
  await untilFire(
    schedule,
    'it has fired again',
    ({ outcome, dueAt }) => outcome === 'fired' && dueAt > calm,
  );
  await act(schedule, 'pause');
  const rows = await fires(schedule);
  const dueMs = rows.map(({ dueAt }) => Date.parse(dueAt));
  expect(dueMs).toEqual(dueMs.map((_, index) => (dueMs[0] ?? 0) - index * 1_000));
  for (const { runId } of rows.filter(({ outcome }) => outcome === 'fired'))
    await finishedRun(tenant, { id: runId ?? '' });
  const ran = (await server.sideLog()).map(
    (line) => z.object({ runId: z.string(), tenant: z.string() }).parse(line).runId,
  );
  expect(new Set(ran).size).toBe(ran.length);
});
