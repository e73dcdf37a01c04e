// Does a schedule fire as it was asked to, and does its ledger tell so? These tests take the seconds that
// their schedules ask for: they wait for rows, in real time.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fire } from '#server/http/schedule.shapes.js';
import { expectFields, expectProblem } from '../support/expect-problem.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { createSchedule, createTenant, finishedRun, listFires, listRuns, newName, readSchedule, secondsFromNow, type Fire, type Schedule, type TestTenant } from '../support/test-tenant.js';
import { until } from '../support/until.js';

let server: TestServer;
let tenant: TestTenant;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const act = (schedule: Pick<Schedule, 'name'>, verb: string) => tenant.api.post(`${tenant.path}/schedules/${schedule.name}:${verb}`).expect(200);
const patch = (schedule: Schedule, body: object) => tenant.api.patch(`${tenant.path}/schedules/${schedule.name}`).set('If-Match', '*').send(body).expect(200);
const fires = (schedule: Schedule, query = '?pageSize=200') => listFires(tenant, schedule.name, query);
const untilFire = (schedule: Schedule, what: string, is: (row: Fire) => boolean) => until(what, async () => (await fires(schedule)).find(is));
const planned = (schedule: Schedule) => listRuns(tenant, `?state=scheduled&schedule=${schedule.name}&pageSize=200`);

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
    expect(await finishedRun(tenant, { id: fired.runId ?? '' })).toMatchObject({ state: 'succeeded', jobType: 'record', payload, dueAt: fired.dueAt, runAt: fired.dueAt });
    const lines = await server.sideLog();
    expect(lines).toContainEqual(expect.objectContaining({ runId: fired.runId, attempt: 1, dueAt: fired.dueAt, payload }));
  });

  it('of an instant happens once, and ends the schedule', async () => {
    const schedule = await createSchedule(tenant, { spec: { at: secondsFromNow(1) } });
    await untilFire(schedule, 'it has fired', ({ outcome }) => outcome === 'fired');
    expect(await fires(schedule)).toHaveLength(1);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ state: 'ended', nextDueAt: null });
    expect(expectProblem(await tenant.api.post(`${tenant.path}/schedules/${schedule.name}:pause`), 'invalid-state')).toMatchObject({ currentState: 'ended' });
  });

  it('goes on when an ended schedule is given new times', async () => {
    const schedule = await createSchedule(tenant, { spec: { at: secondsFromNow(1) } });
    await untilFire(schedule, 'it has fired', ({ outcome }) => outcome === 'fired');
    await patch(schedule, { spec: { at: secondsFromNow(1) } });
    await until('it has fired twice', async () => (await fires(schedule)).filter(({ outcome }) => outcome === 'fired').length === 2);
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
    const skipped = await untilFire(schedule, 'a due time is skipped', ({ outcome }) => outcome === 'skipped');
    expect(skipped).toMatchObject({ reason: 'paused', runId: null, startedAt: null, latenessMs: null });
    expect(await planned(schedule)).toEqual([]);
    await act(schedule, 'resume');
    await untilFire(schedule, 'it has fired again', ({ outcome, dueAt }) => outcome === 'fired' && dueAt > skipped.dueAt);
    await act(schedule, 'pause');
    const dueMs = (await fires(schedule)).map(({ dueAt }) => Date.parse(dueAt));
    expect(dueMs).toEqual(dueMs.map((_, index) => (dueMs[0] ?? 0) - index * 1_000));
  });

  it('takes back what was planned and not claimed', async () => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: PLANNED_SECONDS } });
    const [run] = await until('it is planned', async () => {
      const runs = await planned(schedule);
      return runs.length > 0 && runs;
    });
    await act(schedule, 'pause');
    expect(await planned(schedule)).toEqual([]);
    expect(await fires(schedule)).toEqual([]);
    expectProblem(await tenant.api.get(`${tenant.path}/runs/${run?.id ?? ''}`), 'not-found');
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ state: 'paused', nextDueAt: run?.dueAt });
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
    const schedule = await createSchedule(tenant, { spec: { everySeconds: PLANNED_SECONDS }, payload: { version: 1 } });
    const [old] = await until('it is planned', async () => {
      const runs = await planned(schedule);
      return runs.length > 0 && runs;
    });
    await patch(schedule, { payload: { version: 2 } });
    const replanned = await until('it is planned again', async () => (await planned(schedule)).find(({ dueAt }) => dueAt === old?.dueAt));
    expect(replanned.payload).toEqual({ version: 2 });
  });

  it('the payload of an instant that is planned already loses nothing', async () => {
    const schedule = await createSchedule(tenant, { spec: { at: secondsFromNow(3) }, jobType: 'echo', payload: { version: 1 } });
    await until('it is planned', async () => (await planned(schedule)).length === 1);
    await patch(schedule, { payload: { version: 2 } });
    const decided = await untilFire(schedule, 'the due time is decided', ({ outcome }) => outcome !== 'planned');
    expect(decided).toMatchObject({ outcome: 'fired', reason: null });
    expect(await finishedRun(tenant, { id: decided.runId ?? '' })).toMatchObject({ output: { version: 2 } });
  });

  it('that is refused leaves planned runs alone', async () => {
    const schedule = await createSchedule(tenant, { spec: { at: secondsFromNow(PLANNED_SECONDS) } });
    const [run] = await until('it is planned', async () => {
      const runs = await planned(schedule);
      return runs.length > 0 && runs;
    });
    const response = await tenant.api.patch(`${tenant.path}/schedules/${schedule.name}`).set('If-Match', '"7"').send({ spec: { everySeconds: 5 } });
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
  expect([...statuses].filter((status) => ![200, 409, 412].includes(status))).toEqual([]);
  await tenant.api.post(`${path}:resume`);
  const calm = new Date().toISOString();
  await untilFire(schedule, 'it has fired again', ({ outcome, dueAt }) => outcome === 'fired' && dueAt > calm);
  await act(schedule, 'pause');
  const rows = await fires(schedule);
  const dueMs = rows.map(({ dueAt }) => Date.parse(dueAt));
  expect(dueMs).toEqual(dueMs.map((_, index) => (dueMs[0] ?? 0) - index * 1_000));
  for (const { runId } of rows.filter(({ outcome }) => outcome === 'fired')) await finishedRun(tenant, { id: runId ?? '' });
  const ran = (await server.sideLog()).map((line) => z.object({ runId: z.string(), tenant: z.string() }).parse(line).runId);
  expect(new Set(ran).size).toBe(ran.length);
});

describe('the ledger', () => {
  let schedule: Schedule;
  let all: Fire[];

  beforeAll(async () => {
    tenant = await createTenant(server);
    schedule = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    // The planner looks ten seconds ahead, so there are ten rows at once.
    all = await until('ten due times are planned', async () => {
      const rows = await fires(schedule);
      return rows.length >= 10 && rows;
    });
  });

  it('is read from the newest due time to the oldest', () => {
    const due = all.map(({ dueAt }) => dueAt);
    expect(due).toEqual(due.toSorted().toReversed());
  });

  it('is read page by page without loss or repetition while it grows', async () => {
    const paged: Fire[] = [];
    let token: string | null = '';
    while (token !== null) {
      const query = token === '' ? '?pageSize=3' : `?pageSize=3&pageToken=${token}`;
      const { body } = await tenant.api.get(`${tenant.path}/schedules/${schedule.name}/fires${query}`).expect(200);
      const page = z.object({ items: z.array(fire), nextPageToken: z.string().nullable() }).parse(body);
      expect(page.items.length).toBeLessThanOrEqual(3);
      paged.push(...page.items);
      token = page.nextPageToken;
    }
    const due = paged.map(({ dueAt }) => dueAt);
    expect(new Set(due).size).toBe(due.length);
    expect(due).toEqual(expect.arrayContaining(all.map(({ dueAt }) => dueAt)));
  });

  it('is read from an instant, inclusive, to another, exclusive', async () => {
    const [to, , , from] = all.map(({ dueAt }) => dueAt);
    const rows = await fires(schedule, `?from=${from}&to=${to}`);
    expect(rows.map(({ dueAt }) => dueAt)).toEqual(all.slice(1, 4).map(({ dueAt }) => dueAt));
    expect(await fires(schedule, `?from=${to}&to=${from}`)).toEqual([]);
  });

  it('is read by instants with any offset', async () => {
    const [, { dueAt } = { dueAt: '' }] = all;
    const inTokyo = `${new Date(Date.parse(dueAt) + 9 * 3_600_000).toISOString().slice(0, -1)}+09:00`;
    const end = new Date(Date.parse(dueAt) + 1).toISOString();
    expect((await fires(schedule, `?from=${encodeURIComponent(inTokyo)}&to=${end}`)).map((row) => row.dueAt)).toEqual([dueAt]);
  });

  it.each([
    ['from=yesterday', '?from'],
    ['to=2099-02-30T00:00:00Z', '?to'],
    ['from=', '?from'],
    ['since=2099-01-01T00:00:00Z', '?since'],
    ['pageSize=0', '?pageSize'],
    ['from=2099-01-01T00:00:00Z&from=2099-01-01T00:00:00Z', '?from'],
  ])('is not read by %s', async (query, field) => {
    expect(expectFields(await tenant.api.get(`${tenant.path}/schedules/${schedule.name}/fires?${query}`))).toEqual([field]);
  });

  it('gives no page to a token of another span of time', async () => {
    const from = all.at(-1)?.dueAt ?? '';
    const { body } = await tenant.api.get(`${tenant.path}/schedules/${schedule.name}/fires?pageSize=1&from=${from}`).expect(200);
    const { nextPageToken } = z.object({ nextPageToken: z.string() }).parse(body);
    const response = await tenant.api.get(`${tenant.path}/schedules/${schedule.name}/fires?pageSize=1&pageToken=${nextPageToken}`);
    expectProblem(response, 'invalid-page-token');
  });
});
