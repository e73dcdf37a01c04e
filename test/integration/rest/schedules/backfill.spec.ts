// Does a backfill make a run for each due time that has passed without one, and for no other, however often it is asked for?
// A live replica makes them, and its ledger tells.
import { expect, it } from 'vitest';
import { z } from 'zod';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { endedOperation, readOperation, startedOperation } from '../../../support/operations.js';
import { openClient } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createSchedule,
  createTenant,
  listFires,
  listRuns,
  newName,
  patchSchedule,
  secondsFromNow,
  useTenant,
  type Schedule,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server, { per: 'test' });

const HOUR_MS = 3_600_000;
/** The last full hour that no planner has any more. */
const lastHourMs = Math.floor((Date.now() - 60_000) / HOUR_MS) * HOUR_MS;
const hoursAgo = (hours: number): string => new Date(lastHourMs - hours * HOUR_MS).toISOString();
const hourly = { spec: { cron: '0 * * * *' } };

const ask = ({ name }: Pick<Schedule, 'name'>, body: object, of: TestTenant = tenant) =>
  of.api.post(`${of.path}/schedules/${name}:backfill`).send(body);
async function backfill(schedule: Schedule, body: object, of: TestTenant = tenant) {
  return startedOperation(of, await ask(schedule, body, of));
}
const ledger = ({ name }: Schedule, of: TestTenant = tenant) => listFires(of, name, '?pageSize=200');

it('runs what has no row, and asked again makes nothing', async () => {
  const schedule = await createSchedule(tenant, hourly);
  const span = { from: hoursAgo(4), to: hoursAgo(0) };
  const dry = await ask(schedule, { ...span, dryRun: true }).expect(200);
  expect(dry.body).toEqual({ dueTimes: 4, alreadyThere: 0, wouldRun: 4 });
  expect(await ledger(schedule)).toEqual([]);
  const started = await backfill(schedule, { ...span, payload: { filled: true } });
  expect(started).toMatchObject({ kind: 'backfill', target: schedule.name, progress: { done: 0, total: 4 } });
  expect(await endedOperation(tenant, started)).toMatchObject({
    state: 'succeeded',
    progress: { done: 4, total: 4 },
    counts: { runsMade: 4, alreadyThere: 0 },
    error: null,
  });
  const rows = await until('all have started', async () => {
    const found = await ledger(schedule);
    return found.every(({ outcome }) => outcome === 'late') && found;
  });
  expect(rows.map(({ dueAt }) => dueAt)).toEqual([1, 2, 3, 4].map(hoursAgo));
  for (const { reason, latenessMs } of rows) {
    expect(reason).toBe('backfill');
    expect(latenessMs).toBeGreaterThan(60_000);
  }
  const runs = await listRuns(tenant, `?schedule=${schedule.name}`);
  expect(new Set(runs.map(({ dueAt }) => dueAt))).toEqual(new Set([4, 3, 2, 1].map(hoursAgo)));
  expect(runs).toHaveLength(4);
  for (const { payload } of runs) expect(payload).toEqual({ filled: true });
  const explained = await tenant.api
    .get(`${tenant.path}/schedules/${schedule.name}:explain?at=${hoursAgo(1)}`)
    .expect(200);
  expect(explained.body).toMatchObject({
    text: expect.stringMatching(/^A backfill has made a run for it/) as string,
  });

  const again = await backfill(schedule, { from: hoursAgo(5), to: hoursAgo(0) });
  expect(await endedOperation(tenant, again)).toMatchObject({ counts: { runsMade: 1, alreadyThere: 4 } });
  expect(await listRuns(tenant, `?schedule=${schedule.name}`)).toHaveLength(5);
});

it('opens what did not run again, and leaves what did', async () => {
  const schedule = await createSchedule(tenant, hourly);
  const outcomes = ['missed', 'coalesced', 'skipped', 'fired', 'late', 'planned'];
  const client = await openClient(server.databaseUrl);
  await client.query(
    `insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, reason, term)
     select s.id, $2::timestamptz - place * interval '1 hour', s.tenant_id, outcome, 'before', 1
       from carillon.schedule s cross join unnest($3::text[]) with ordinality as given (outcome, place)
      where s.id = $1`,
    [schedule.id, hoursAgo(0), outcomes],
  );
  const span = { from: hoursAgo(6), to: hoursAgo(0) };
  const { body } = await ask(schedule, { ...span, dryRun: true }).expect(200);
  expect(body).toEqual({ dueTimes: 6, alreadyThere: 3, wouldRun: 3 });
  const ended = await endedOperation(tenant, await backfill(schedule, span));
  expect(ended.counts).toEqual({ runsMade: 3, alreadyThere: 3 });
  const rows = await ledger(schedule);
  expect(rows.slice(3).map(({ outcome, reason }) => [outcome, reason])).toEqual([
    ['fired', 'before'],
    ['late', 'before'],
    ['planned', 'before'],
  ]);
  for (const { reason, runId } of rows.slice(0, 3)) {
    expect(reason).toBe('backfill');
    expect(runId).not.toBeNull();
  }
});

it('has at most so many runs unfinished, and makes no more once it is cancelled', async () => {
  const payload = { ms: 86_000_000 };
  const schedule = await createSchedule(tenant, { ...hourly, jobType: 'sleep', payload });
  const started = await backfill(schedule, { from: hoursAgo(50), to: hoursAgo(0), maxUnfinished: 2 });
  const open = async () => (await readOperation(tenant, started)).progress.done;
  await until('two are made', async () => (await open()) === 2);
  const [first] = await until('they run', async () => {
    const runs = await listRuns(tenant, `?schedule=${schedule.name}&state=running`);
    return runs.length === 2 && runs;
  });
  await tenant.api.post(`${tenant.path}/runs/${first?.id}:cancel`).expect(200);
  await until('another one is made in its place', async () => (await open()) === 3);
  expect(await listRuns(tenant, `?schedule=${schedule.name}`)).toHaveLength(3);
  const cancel = () => tenant.api.post(`${tenant.path}/operations/${started.id}:cancel`);
  expect((await cancel().expect(200)).body).toMatchObject({
    state: 'cancelled',
    progress: { done: 3, total: 50 },
  });
  await cancel().expect(200);
  const left = await listRuns(tenant, `?schedule=${schedule.name}`);
  expect(left.filter(({ finishedAt }) => finishedAt === null)).toHaveLength(2);
  await Promise.all(left.map(({ id }) => tenant.api.post(`${tenant.path}/runs/${id}:cancel`)));
});

it('runs one after the other what may not overlap, and skips none of it', async () => {
  const overlap = { mode: 'skip' };
  const schedule = await createSchedule(tenant, {
    ...hourly,
    jobType: 'sleep',
    payload: { ms: 50 },
    overlap,
  });
  const started = await backfill(schedule, { from: hoursAgo(5), to: hoursAgo(0) });
  await endedOperation(tenant, started);
  await until('all have ended', async () => {
    const runs = await listRuns(tenant, `?schedule=${schedule.name}`);
    return runs.length === 5 && runs.every(({ state }) => state === 'succeeded');
  });
  expect((await ledger(schedule)).map(({ outcome }) => outcome)).toEqual(Array(5).fill('late'));
});

it('goes on while its schedule is paused, and what it has made stays through changes and a deletion', async () => {
  const { name: jobType } = await createJobType(tenant);
  await tenant.api.post(`${tenant.path}/job-types/${jobType}:pause`).expect(200);
  const schedule = await createSchedule(tenant, { ...hourly, jobType });
  const path = `${tenant.path}/schedules/${schedule.name}`;
  await tenant.api.post(`${path}:pause`).expect(200);
  const started = await backfill(schedule, { from: hoursAgo(3), to: hoursAgo(0) });
  expect(await endedOperation(tenant, started)).toMatchObject({ counts: { runsMade: 3 } });
  await tenant.api.post(`${path}:resume`).expect(200);
  await tenant.api.post(`${path}:pause`).expect(200);
  await patchSchedule(tenant, schedule, { spec: { cron: '30 * * * *' } }).expect(200);
  await tenant.api.delete(path).set('If-Match', '*').expect(204);
  await tenant.api.post(`${tenant.path}/job-types/${jobType}:resume`).expect(200);
  const rows = await until('all have started', async () => {
    const { body } = await tenant.api.get(`${tenant.path}/schedules/${schedule.id}/fires`).expect(200);
    const { items } = z
      .object({ items: z.array(z.object({ outcome: z.string(), reason: z.string() })) })
      .parse(body);
    return items.length === 3 && items.every(({ outcome }) => outcome === 'late') && items;
  });
  expect(rows.map(({ reason }) => reason)).toEqual(Array(3).fill('backfill'));
});

it('fails when its schedule is deleted, and goes on with its due times when that gets another spec', async () => {
  const payload = { ms: 86_000_000 };
  const slow = { ...hourly, jobType: 'sleep', payload };
  const span = { from: hoursAgo(3), to: hoursAgo(0), maxUnfinished: 1 };
  const [changed, deleted] = [await createSchedule(tenant, slow), await createSchedule(tenant, slow)];
  const [onChanged, onDeleted] = [await backfill(changed, span), await backfill(deleted, span)];
  for (const one of [onChanged, onDeleted])
    await until('one is made', async () => (await readOperation(tenant, one)).progress.done === 1);
  await patchSchedule(tenant, changed, {
    spec: { cron: '30 0 * * *' },
    jobType: 'noop',
    payload: { ms: null },
  }).expect(200);
  await tenant.api.delete(`${tenant.path}/schedules/${deleted.name}`).set('If-Match', '*').expect(204);
  for (const { id, finishedAt } of await listRuns(tenant))
    if (finishedAt === null) await tenant.api.post(`${tenant.path}/runs/${id}:cancel`).expect(200);
  const failed = await endedOperation(tenant, onDeleted);
  expect(failed).toMatchObject({ state: 'failed', progress: { done: 1, total: 3 } });
  expect(failed.error).toMatch(new RegExp(`^expected schedule ${deleted.name} to be there`));
  expect(await endedOperation(tenant, onChanged)).toMatchObject({
    state: 'succeeded',
    counts: { runsMade: 3 },
  });
  expect((await ledger(changed)).map(({ dueAt }) => dueAt)).toEqual([1, 2, 3].map(hoursAgo));
});

it('heeds maxQueued, and waits while its tenant is suspended', async () => {
  const other = await createTenant(server);
  const limits = { maxQueued: 2 };
  await server.admin.patch(other.path).set('If-Match', '*').send({ limits }).expect(200);
  const { name: jobType } = await createJobType(other);
  await other.api.post(`${other.path}/job-types/${jobType}:pause`).expect(200);
  const schedule = await createSchedule(other, { ...hourly, jobType });
  const started = await backfill(schedule, { from: hoursAgo(4), to: hoursAgo(0) }, other);
  const made = async () => (await readOperation(other, started)).progress.done;
  await until('two are made', async () => (await made()) === 2);
  await server.admin.post(`${other.path}:suspend`).expect(200);
  await server.admin.patch(other.path).set('If-Match', '*').send({ limits: {} }).expect(200);
  expect(await made()).toBe(2);
  expect((await ledger(schedule, other)).map(({ outcome }) => outcome)).toEqual(['planned', 'planned']);
  await server.admin.post(`${other.path}:resume`).expect(200);
  await other.api.post(`${other.path}/job-types/${jobType}:resume`).expect(200);
  expect(await endedOperation(other, started)).toMatchObject({ state: 'succeeded', counts: { runsMade: 4 } });
});

it('keeps the due time that it has when a request retries the run that was over before it started', async () => {
  const { name: jobType } = await createJobType(tenant);
  await tenant.api.post(`${tenant.path}/job-types/${jobType}:pause`).expect(200);
  const schedule = await createSchedule(tenant, { ...hourly, jobType });
  const span = { from: hoursAgo(1), to: hoursAgo(0) };
  const made = async () => {
    await endedOperation(tenant, await backfill(schedule, span));
    return (await ledger(schedule))[0]?.runId;
  };
  const former = await made();
  await tenant.api.post(`${tenant.path}/runs/${former}:cancel`).expect(200);
  const holder = await made();
  const refused = await tenant.api.post(`${tenant.path}/runs/${former}:retry`);
  const problem = expectProblem(refused, 'already-exists');
  expect(problem).toMatchObject({ run: holder });
  const filter = { schedule: schedule.name, state: 'cancelled' };
  const { body } = await tenant.api.post(`${tenant.path}/runs:retry`).send({ filter }).expect(200);
  const skippedRuns = [{ id: former, reason: problem.detail, heldBy: holder }];
  expect(body).toEqual({ retried: 0, skipped: 1, skippedRuns, more: false });
  await tenant.api.post(`${tenant.path}/runs/${holder}:cancel`).expect(200);
});

it('refuses what it can not do, with the field and what was expected', async () => {
  const schedule = await createSchedule(tenant, { spec: { cron: '* * * * * *' } });
  const span = { from: hoursAgo(2), to: hoursAgo(0) };
  const many = await ask(schedule, { ...span, from: hoursAgo(10) });
  expect(expectFields(many)).toEqual(['/to']);
  expect(many.text).toContain('at most 10,000 due times, got more than 10,000');
  expect(expectFields(await ask(schedule, { ...span, to: secondsFromNow(60) }))).toEqual(['/to']);
  expect(expectFields(await ask(schedule, { from: hoursAgo(1), to: hoursAgo(1) }))).toEqual(['/to']);
  expect(expectFields(await ask(schedule, { ...span, maxUnfinished: 1_001 }))).toEqual(['/maxUnfinished']);
  expect(expectFields(await ask(schedule, {}))).toEqual(['/from', '/to']);
  const noSleep = await createSchedule(tenant, { ...hourly, jobType: 'sleep', payload: { ms: 1 } });
  expect(expectFields(await ask(noSleep, { ...span, payload: { ms: 'long' } }))).toEqual(['/payload/ms']);
  expectProblem(await ask({ name: newName('no') }, span), 'not-found');
});

it('is done once for each Idempotency-Key, and at most five are under way', async () => {
  const payload = { ms: 86_000_000 };
  const schedule = await createSchedule(tenant, { ...hourly, jobType: 'sleep', payload });
  // Each of another time: what one has made is none of the others'.
  const spanOf = (hours: number) => ({ from: hoursAgo(hours + 3), to: hoursAgo(hours), maxUnfinished: 1 });
  const send = (key: string) => ask(schedule, spanOf(10 * 'abcdef'.indexOf(key))).set('Idempotency-Key', key);
  const first = startedOperation(tenant, await send('a'));
  const again = await send('a');
  expect(startedOperation(tenant, again).id).toBe(first.id);
  expect(again.headers['idempotency-replayed']).toBe('true');
  for (const key of ['b', 'c', 'd', 'e']) startedOperation(tenant, await send(key));
  const problem = expectProblem(await send('f'), 'quota-exceeded');
  expect(problem.limit).toEqual({ name: 'maxOperations', max: 5, current: 5 });
  const list = z.object({ items: z.array(z.object({ id: z.uuid() })), nextPageToken: z.string().nullable() });
  const page = async (query: string) =>
    list.parse((await tenant.api.get(`${tenant.path}/operations?pageSize=3${query}`).expect(200)).body);
  const newest = await page('');
  const rest = await page(`&pageToken=${newest.nextPageToken}`);
  expect([newest.items.length, rest.items.length, rest.nextPageToken]).toEqual([3, 2, null]);
  expect(rest.items.at(-1)?.id).toBe(first.id);
  for (const { id } of [...newest.items, ...rest.items])
    await tenant.api.post(`${tenant.path}/operations/${id}:cancel`).expect(200);
  const runs = await listRuns(tenant, `?schedule=${schedule.name}`);
  await Promise.all(runs.map(({ id }) => tenant.api.post(`${tenant.path}/runs/${id}:cancel`)));
});
