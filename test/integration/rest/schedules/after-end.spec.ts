// Is a schedule due so long after the end of its last run, with any outcome, and never twice at a time?
import { expect, it } from 'vitest';
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
  postSchedule,
  readSchedule,
  secondsFromNow,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const SECOND = { spec: { delaySeconds: 1 } };
const ask = ({ name }: Pick<Schedule, 'name'>, verb: string, body?: object) =>
  tenant.api.post(`${tenant.path}/schedules/${name}:${verb}`).send(body);
const read = async (path: string) =>
  (await tenant.api.get(`${tenant.path}/schedules/${path}`).expect(200)).body;
const decided = (name: string, count: number) =>
  until(`${count} due times of ${name} have started`, async () => {
    const fires = (await listFires(tenant, name)).filter(({ startedAt }) => startedAt !== null);
    return fires.length >= count && fires.toReversed();
  });
const runsOf = async ({ name }: Pick<Schedule, 'name'>) =>
  (await listRuns(tenant, `?schedule=${name}`)).toReversed();
/** Each run but the first was due so long after the end of the one before. */
async function expectChain(schedule: Schedule, delayMs: number): Promise<void> {
  const runs = await runsOf(schedule);
  expect(runs.length).toBeGreaterThan(1);
  for (const [index, { dueAt }] of runs.slice(1).entries())
    expect(Date.parse(dueAt ?? '') - Date.parse(runs[index]?.finishedAt ?? '')).toBe(delayMs);
}

it('is due when it is made, and then so long after the end of each run', async () => {
  const { name: jobType } = await createJobType(tenant, { target: { kind: 'handler', handler: 'sleep' } });
  const schedule = await createSchedule(tenant, { ...SECOND, jobType, payload: { ms: 700 } });
  expect(schedule).toMatchObject({
    ...SECOND,
    state: 'active',
    text: '1 second after the end of the last run',
  });
  expect(Date.parse(schedule.nextDueAt ?? '') - Date.parse(schedule.createdAt)).toBe(1);
  await decided(schedule.name, 3);
  await expectChain(schedule, 1_000);
});

it('goes on after runs that fail, and waits meanwhile for the one that it names', async () => {
  const { name: failing } = await createJobType(tenant, { target: { kind: 'handler', handler: 'fail' } });
  const schedule = await createSchedule(tenant, { ...SECOND, jobType: failing });
  await decided(schedule.name, 3);
  await expectChain(schedule, 1_000);
  const { name: slow } = await createJobType(tenant, { target: { kind: 'handler', handler: 'sleep' } });
  const waiting = await createSchedule(tenant, { ...SECOND, jobType: slow, payload: { ms: 60_000 } });
  await decided(waiting.name, 1);
  const [run] = await runsOf(waiting);
  expect(await readSchedule(tenant, waiting.name)).toMatchObject({
    state: 'active',
    nextDueAt: null,
    waitsFor: `the end of run ${run?.id}`,
  });
  const { body: listed } = await tenant.api.get(`${tenant.path}/schedules?state=active&q=${waiting.name}`);
  expect(listed.items).toHaveLength(1);
  await tenant.api.post(`${tenant.path}/runs/${run?.id}:cancel`).expect((answer) => answer.status < 300);
  await decided(waiting.name, 2);
  await expectChain(waiting, 1_000);
});

it('pauses after failures, also while it waits, and starts its runs later by its jitter', async () => {
  const { name: jobType } = await createJobType(tenant, { target: { kind: 'handler', handler: 'fail' } });
  const wish = { ...SECOND, jobType, pauseAfterFailures: 2, jitterSeconds: 2, overlap: { mode: 'skip' } };
  const schedule = await createSchedule(tenant, wish);
  await until('it is paused', async () => (await readSchedule(tenant, schedule.name)).state === 'paused');
  await expectChain(schedule, 1_000);
  for (const { dueAt, startsAt } of await listFires(tenant, schedule.name))
    expect(startsAt >= dueAt).toBe(true);
});

it('a change of what its runs say moves nothing, and another delay counts from the last end', async () => {
  const schedule = await createSchedule(tenant, { spec: { delaySeconds: 3_600 } });
  await decided(schedule.name, 1);
  const next = await until(
    'the next one is known',
    async () => (await readSchedule(tenant, schedule.name)).nextDueAt,
  );
  const { body: same } = await patchSchedule(tenant, schedule, { tags: ['other'] }).expect(200);
  expect(same).toMatchObject({ nextDueAt: next });
  await patchSchedule(tenant, schedule, { spec: { delaySeconds: 7_200 } }).expect(200);
  await until(
    'it lies an hour later',
    async () =>
      Date.parse((await readSchedule(tenant, schedule.name)).nextDueAt ?? '') ===
      Date.parse(next) + 3_600_000,
  );
  expect(await listFires(tenant, schedule.name)).toHaveLength(1);
});

it('is not due while it is paused, and goes on where the pause ends', async () => {
  const schedule = await createSchedule(tenant, SECOND);
  await decided(schedule.name, 1);
  const { body: paused } = await ask(schedule, 'pause').expect(200);
  expect(paused).toMatchObject({ state: 'paused', waitsFor: null });
  await until('no run is left', async () =>
    (await runsOf(schedule)).every(({ finishedAt }) => finishedAt !== null),
  );
  const { nextDueAt: none } = await readSchedule(tenant, schedule.name);
  expect(none).toBeNull();
  const before = (await listFires(tenant, schedule.name)).length;
  const resumedFrom = Date.now();
  expect((await ask(schedule, 'resume').expect(200)).body).toMatchObject({ state: 'active' });
  const fires = await decided(schedule.name, before + 1);
  expect(Date.parse(String(fires[before]?.dueAt))).toBeGreaterThanOrEqual(resumedFrom - 1_000);
  const pausedUntil = secondsFromNow(3_600);
  await ask(schedule, 'pause', { until: pausedUntil }).expect(200);
  await until(
    'it is due when the pause ends',
    async () => (await readSchedule(tenant, schedule.name)).nextDueAt === pausedUntil,
  );
});

it('a due time that is skipped does not break the chain', async () => {
  const startAt = secondsFromNow(3_600);
  const schedule = await createSchedule(tenant, { spec: { delaySeconds: 60 }, startAt });
  expect(schedule.nextDueAt).toBe(startAt);
  const { body } = await ask(schedule, 'skipNext').expect(200);
  expect(body.skipped).toEqual([startAt]);
  await until(
    'the next one is known',
    async () =>
      Date.parse((await readSchedule(tenant, schedule.name)).nextDueAt ?? '') ===
      Date.parse(startAt) + 60_000,
  );
});

it('ends with its endAt, and then can not be paused', async () => {
  const schedule = await createSchedule(tenant, { ...SECOND, endAt: secondsFromNow(2) });
  await until('it has ended', async () => (await readSchedule(tenant, schedule.name)).state === 'ended');
  await until('no run is left', async () =>
    (await runsOf(schedule)).every(({ finishedAt }) => finishedAt !== null),
  );
  expect((await listFires(tenant, schedule.name)).length).toBeLessThan(4);
  expectProblem(await ask(schedule, 'pause'), 'invalid-state');
});

it('goes on from another kind of spec once the run of that has ended', async () => {
  const { name: jobType } = await createJobType(tenant, { target: { kind: 'handler', handler: 'sleep' } });
  const once = { spec: { at: secondsFromNow(1) }, jobType, payload: { ms: 2_000 } };
  const schedule = await createSchedule(tenant, once);
  await decided(schedule.name, 1);
  const { body } = await patchSchedule(tenant, schedule, { spec: { delaySeconds: 1 } }).expect(200);
  expect(body).toMatchObject({ nextDueAt: null, state: 'active' });
  const [first] = await runsOf(schedule);
  await finishedRun(tenant, { id: first?.id ?? '' });
  const before = (await runsOf(schedule)).length;
  await until('another run is there', async () => (await runsOf(schedule)).length > before);
});

it('is explained, previewed and audited as far as that can be', async () => {
  const schedule = await createSchedule(tenant, SECOND);
  const [first] = await decided(schedule.name, 2);
  const path = schedule.name;
  expect(await read(`${path}:explain?at=${String(first?.dueAt)}`)).toMatchObject({ isDue: true });
  expect(await read(`${path}:explain?at=${secondsFromNow(7_200)}`)).toMatchObject({
    isDue: false,
    text: expect.stringContaining('follow from runs') as string,
  });
  expect(await read(`${path}:preview`)).toMatchObject({
    dueTimes: [],
    isComplete: true,
    text: expect.stringContaining('follow from runs') as string,
  });
  const audited = await read(`${path}:audit`);
  expect(audited).toMatchObject({
    isClean: true,
    text: expect.stringContaining('follow from runs') as string,
  });
  expect(audited.followed).toBeGreaterThanOrEqual(2);
  const span = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' };
  expectProblem(await ask(schedule, 'backfill', span), 'invalid-state');
  const { items } = await read(`${path}/revisions`);
  expect(items[0]).toMatchObject({ changes: [] });
});

it('the same content again changes nothing', async () => {
  const path = `${tenant.path}/schedules/${newName('applied')}`;
  const content = { spec: { delaySeconds: 3_600 }, jobType: 'noop' };
  await tenant.api.put(path).send(content).expect(201);
  expect((await tenant.api.put(path).send(content).expect(200)).body).toMatchObject({ revision: 1 });
});

it.each([
  [{ spec: { delaySeconds: 0 } }, '/spec/delaySeconds'],
  [{ spec: { delaySeconds: 31_536_001 } }, '/spec/delaySeconds'],
  [{ spec: { delaySeconds: 1, everySeconds: 1 } }, '/spec'],
  [{ spec: { anyOf: [{ delaySeconds: 1 }, { everySeconds: 1 }] } }, '/spec/anyOf/0/delaySeconds'],
  [{ ...SECOND, timeZone: 'Europe/Berlin' }, '/timeZone'],
  [{ ...SECOND, maxFires: 3 }, '/maxFires'],
  [{ ...SECOND, clockChanges: { gap: 'skip' } }, '/clockChanges'],
  [{ ...SECOND, calendars: { exclude: ['holidays'] } }, '/calendars'],
  [{ ...SECOND, endAt: '2026-01-01T00:00:00Z' }, '/endAt'],
])('refuses %j', async (wish, field) => {
  expect(expectFields(await postSchedule(tenant, wish))).toContain(field);
});
