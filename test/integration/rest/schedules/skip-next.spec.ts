// Does a request that skips the next due times skip just those, whether or not they are planned, and do the ones after
// them run? The ledger of a live replica tells.
import { expect, it } from 'vitest';
import { z } from 'zod';
import { instant } from '#server/http/requests/shapes.js';
import { schedule as scheduleShape } from '#server/http/schedules/schedule.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  listFires,
  listRuns,
  newName,
  patchSchedule,
  readSchedule,
  secondsFromNow,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const skippedShape = z.object({ skipped: z.array(instant), schedule: scheduleShape });
const ask = ({ name }: Pick<Schedule, 'name'>, body?: object) =>
  tenant.api.post(`${tenant.path}/schedules/${name}:skipNext`).send(body);
async function skipNext(schedule: Schedule, body?: object) {
  const { body: answer } = await ask(schedule, body).expect(200);
  return skippedShape.parse(answer);
}
const planned = ({ name }: Schedule) => listRuns(tenant, `?state=scheduled&schedule=${name}&pageSize=200`);
const ledger = ({ name }: Schedule) => listFires(tenant, name, '?pageSize=200');
const hourly = { spec: { cron: '0 * * * *' } };
const plusHours = (dueAt: string | null, hours: number): string =>
  new Date(Date.parse(dueAt ?? '') + hours * 3_600_000).toISOString();

it('skips due times that are not planned yet, and the schedule goes on behind them', async () => {
  const schedule = await createSchedule(tenant, hourly);
  const first = await skipNext(schedule);
  expect(first.skipped).toEqual([schedule.nextDueAt]);
  expect(first.schedule).toMatchObject({
    nextDueAt: plusHours(schedule.nextDueAt, 1),
    revision: 1,
    state: 'active',
  });
  const more = await skipNext(schedule, { count: 3 });
  expect(more.skipped).toEqual([1, 2, 3].map((hours) => plusHours(schedule.nextDueAt, hours)));
  expect(more.schedule.nextDueAt).toBe(plusHours(schedule.nextDueAt, 4));
  const rows = await ledger(schedule);
  expect(rows.map(({ dueAt }) => dueAt)).toEqual([...first.skipped, ...more.skipped].toReversed());
  for (const row of rows) expect(row).toMatchObject({ outcome: 'skipped', reason: 'requested', runId: null });
});

it('takes back the run of a due time that is planned, and leaves the next one alone', async () => {
  const schedule = await createSchedule(tenant, { spec: { everySeconds: 5 } });
  const [run] = await until('it is planned', async () => {
    const runs = await planned(schedule);
    return runs.length > 0 && runs;
  });
  // Planned six to ten seconds ahead: not claimed yet.
  const { skipped } = await skipNext(schedule);
  expect(skipped).toHaveLength(1);
  const row = await until('the one after it has fired', async () => {
    const rows = await ledger(schedule);
    return rows.some(({ outcome }) => outcome === 'fired') && rows;
  });
  const fired = row.find(({ outcome }) => outcome === 'fired');
  expect(row.find(({ dueAt }) => dueAt === skipped[0])).toMatchObject({
    outcome: 'skipped',
    reason: 'requested',
  });
  expect(Date.parse(fired?.dueAt ?? '')).toBe(Date.parse(skipped[0] ?? '') + 5_000);
  if (run?.dueAt === skipped[0])
    expectProblem(await tenant.api.get(`${tenant.path}/runs/${run?.id ?? ''}`), 'not-found');
});

it('skips more than are planned, and each second after them fires, with one row each (I1)', async () => {
  const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 } });
  await until('it has fired', async () =>
    (await ledger(schedule)).some(({ outcome }) => outcome === 'fired'),
  );
  const { skipped } = await skipNext(schedule, { count: 14 });
  const last = skipped.at(-1) ?? '';
  const rows = await until('it has fired again', async () => {
    const found = await ledger(schedule);
    return found.some(({ outcome, dueAt }) => outcome === 'fired' && dueAt > last) && found;
  });
  // Those that their owner had claimed started all the same.
  expect(skipped.length).toBeGreaterThan(8);
  for (const dueAt of skipped)
    expect(rows.find((row) => row.dueAt === dueAt)).toMatchObject({
      outcome: 'skipped',
      reason: 'requested',
    });
  const dueMs = rows.map(({ dueAt }) => Date.parse(dueAt));
  expect(dueMs).toEqual(dueMs.map((_, index) => (dueMs[0] ?? 0) - index * 1_000));
}, 60_000);

it('stays skipped when the schedule is paused, resumed or given another payload', async () => {
  const schedule = await createSchedule(tenant, { spec: { everySeconds: 6 } });
  const { skipped } = await skipNext(schedule, { count: 2 });
  await tenant.api.post(`${tenant.path}/schedules/${schedule.name}:pause`).expect(200);
  await tenant.api.post(`${tenant.path}/schedules/${schedule.name}:resume`).expect(200);
  await patchSchedule(tenant, schedule, { payload: { a: 1 } }).expect(200);
  const rows = await until('a later one is planned', async () => {
    const found = await ledger(schedule);
    return found.some(({ dueAt }) => dueAt > (skipped.at(-1) ?? '')) && found;
  });
  expect(rows.filter(({ reason }) => reason === 'requested').map(({ dueAt }) => dueAt)).toEqual(
    skipped.toReversed(),
  );
});

it('is forgotten with the spec that was due then', async () => {
  const schedule = await createSchedule(tenant, hourly);
  await skipNext(schedule, { count: 2 });
  await patchSchedule(tenant, schedule, { spec: { cron: '0 0 1 1 *' } }).expect(200);
  expect(await ledger(schedule)).toEqual([]);
  await patchSchedule(tenant, schedule, hourly).expect(200);
  expect(await readSchedule(tenant, schedule.name)).toMatchObject({ nextDueAt: schedule.nextDueAt });
});

it('ends a schedule of one instant', async () => {
  const schedule = await createSchedule(tenant, { spec: { at: secondsFromNow(3_600) } });
  const { skipped, schedule: after } = await skipNext(schedule, { count: 5 });
  expect(skipped).toEqual([schedule.nextDueAt]);
  expect(after).toMatchObject({ state: 'ended', nextDueAt: null });
  expect((await skipNext(schedule)).skipped).toEqual([]);
});

it('skips what is due after a paused one is resumed', async () => {
  const schedule = await createSchedule(tenant, hourly);
  await tenant.api.post(`${tenant.path}/schedules/${schedule.name}:pause`).expect(200);
  expect(await skipNext(schedule)).toMatchObject({
    skipped: [schedule.nextDueAt],
    schedule: { state: 'paused' },
  });
});

it('with an Idempotency-Key is done once', async () => {
  const schedule = await createSchedule(tenant, hourly);
  const key = newName('key');
  const once = await ask(schedule).set('Idempotency-Key', key).expect(200);
  const again = await ask(schedule).set('Idempotency-Key', key).expect(200);
  expect(again.body).toEqual(once.body);
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(await ledger(schedule)).toHaveLength(1);
});

it('of many at once skips each due time once', async () => {
  const schedule = await createSchedule(tenant, hourly);
  const answers = await Promise.all(Array.from({ length: 6 }, () => skipNext(schedule, { count: 2 })));
  const all = answers.flatMap(({ skipped }) => skipped);
  expect(all.toSorted()).toEqual(
    Array.from({ length: 12 }, (_, hours) => plusHours(schedule.nextDueAt, hours)),
  );
});

it.each([
  [{ count: 0 }, '/count'],
  [{ count: 101 }, '/count'],
  [{ count: 1.5 }, '/count'],
  [{ n: 1 }, '/n'],
])('is refused with %o', async (body, field) => {
  const schedule = await createSchedule(tenant);
  expect(expectFields(await ask(schedule, body))).toEqual([field]);
  expect(await ledger(schedule)).toEqual([]);
});

it('is not found where there is no schedule', async () => {
  expectProblem(await ask({ name: 'nobody.has-it' }), 'not-found');
});
