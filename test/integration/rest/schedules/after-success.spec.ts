// Is a schedule due after each success of another one, and of no other run, and are circles refused?
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

const path = ({ name }: Pick<Schedule, 'name'>) => `${tenant.path}/schedules/${name}`;
const ask = (schedule: Pick<Schedule, 'name'>, verb: string, body?: object) =>
  tenant.api.post(`${path(schedule)}:${verb}`).send(body);
/** Of its due times. */
const runsOf = async ({ name }: Pick<Schedule, 'name'>) =>
  (await listRuns(tenant, `?schedule=${name}`)).filter(({ dueAt }) => dueAt !== null).toReversed();
const after = ({ name }: Pick<Schedule, 'name'>, delaySeconds = 0) => ({
  spec: { afterSuccessOf: name, delaySeconds },
});
const followed = (wish: object = {}) => createSchedule(tenant, { spec: { at: secondsFromNow(2) }, ...wish });
const ended = (schedule: Pick<Schedule, 'name'>, count: number) =>
  until(`${count} runs of ${schedule.name} have ended`, async () => {
    const runs = await runsOf(schedule);
    return runs.length >= count && runs.every(({ finishedAt }) => finishedAt !== null) && runs;
  });

it('is due after each success of another schedule, and shows what it waits for', async () => {
  const first = await followed({ spec: { at: [1, 2, 3].map((seconds) => secondsFromNow(2 + seconds)) } });
  const second = await createSchedule(tenant, after(first));
  expect(second).toMatchObject({
    ...after(first),
    state: 'active',
    text: `At each success of ${first.name}`,
    nextDueAt: null,
    waitsFor: `the next success of schedule ${first.name}`,
  });
  const third = await createSchedule(tenant, after(second, 1));
  const runs = [await ended(first, 3), await ended(second, 3), await ended(third, 3)] as const;
  const instants = (index: 0 | 1 | 2, of: 'dueAt' | 'finishedAt') =>
    runs[index].map((run) => Date.parse(run[of] ?? '')).toSorted((a, b) => a - b);
  expect(instants(1, 'dueAt')).toEqual(instants(0, 'finishedAt'));
  expect(instants(2, 'dueAt')).toEqual(instants(1, 'finishedAt').map((ms) => ms + 1_000));
  const { body: audited } = await tenant.api.get(`${path(second)}:audit`).expect(200);
  expect(audited).toMatchObject({ isClean: true, followed: 3 });
});

it('is not due after a failure, nor after a run that a request made', async () => {
  const { name: jobType } = await createJobType(tenant, { target: { kind: 'handler', handler: 'fail' } });
  const [failing, calm] = [await followed({ jobType }), await followed({ spec: { everySeconds: 3_600 } })];
  const followers = [await createSchedule(tenant, after(failing)), await createSchedule(tenant, after(calm))];
  const { body: run } = await ask(calm, 'run', {}).expect(201);
  await finishedRun(tenant, run);
  await ended(failing, 1);
  // Of a chain that is made now, the first run comes behind what the leader has found for these.
  const chain = await createSchedule(tenant, { spec: { delaySeconds: 1 } });
  await until('the leader has looked again', async () => (await runsOf(chain)).length > 1);
  for (const follower of followers) expect(await runsOf(follower)).toEqual([]);
});

it('successes of a pause are skipped', async () => {
  const first = await followed();
  const second = await createSchedule(tenant, after(first));
  expect((await ask(second, 'pause').expect(200)).body).toMatchObject({ state: 'paused' });
  const [run] = await ended(first, 1);
  const [fire] = await until('it is skipped', async () => {
    const fires = await listFires(tenant, second.name);
    return fires.length > 0 && fires;
  });
  expect(fire).toMatchObject({ dueAt: run?.finishedAt, outcome: 'skipped', reason: 'paused' });
  expect((await ask(second, 'resume').expect(200)).body).toMatchObject({ state: 'active', nextDueAt: null });
});

it('due times ahead stay those of a schedule that is paused and resumed, or changed', async () => {
  const first = await followed({ spec: { at: [2, 3].map(secondsFromNow) } });
  const second = await createSchedule(tenant, after(first, 6));
  await ended(first, 2);
  await until('the second is planned', async () => (await listFires(tenant, second.name)).length === 2);
  await ask(second, 'pause').expect(200);
  await ask(second, 'resume').expect(200);
  await patchSchedule(tenant, second, { tags: ['other'] }).expect(200);
  const runs = await ended(second, 2);
  const sorted = (instants: number[]) => instants.toSorted((a, b) => a - b);
  expect(sorted(runs.map(({ dueAt }) => Date.parse(dueAt ?? '')))).toEqual(
    sorted((await runsOf(first)).map(({ finishedAt }) => Date.parse(finishedAt ?? '') + 6_000)),
  );
});

it('skips on request what is known ahead', async () => {
  const first = await followed();
  const second = await createSchedule(tenant, after(first, 3_600));
  const [run] = await ended(first, 1);
  const dueAt = new Date(Date.parse(run?.finishedAt ?? '') + 3_600_000).toISOString();
  await until('it is known', async () => (await readSchedule(tenant, second.name)).nextDueAt === dueAt);
  const { body } = await ask(second, 'skipNext').expect(200);
  expect(body).toMatchObject({ skipped: [dueAt], schedule: { nextDueAt: null, state: 'active' } });
});

it('a schedule that others follow can not be deleted', async () => {
  const first = await followed({ spec: { everySeconds: 3_600 } });
  const second = await createSchedule(tenant, after(first));
  const answer = await tenant.api.delete(path(first)).set('If-Match', '*');
  expect(expectProblem(answer, 'invalid-state')).toMatchObject({
    detail: expect.stringContaining('which 1 follows') as string,
  });
  await tenant.api.delete(path(second)).set('If-Match', '*').expect(204);
  await tenant.api.delete(path(first)).set('If-Match', '*').expect(204);
});

it('circles are refused, also over several schedules', async () => {
  const first = await followed({ spec: { everySeconds: 3_600 } });
  const second = await createSchedule(tenant, after(first));
  const third = await createSchedule(tenant, after(second));
  for (const last of [first, second, third])
    expect(expectFields(await patchSchedule(tenant, first, after(last)))).toEqual(['/spec/afterSuccessOf']);
  expect(await readSchedule(tenant, first.name)).toMatchObject({ revision: 1 });
});

it.each([
  [{ afterSuccessOf: 'not-there' }, '/spec/afterSuccessOf'],
  [{ afterSuccessOf: 'Not A Name' }, '/spec/afterSuccessOf'],
  [{ afterSuccessOf: 'not-there', delaySeconds: -1 }, '/spec/delaySeconds'],
  [{ afterSuccessOf: 'not-there', everySeconds: 1 }, '/spec'],
])('refuses %j', async (spec, field) => {
  expect(expectFields(await postSchedule(tenant, { spec }))).toContain(field);
});

it('refuses to follow a schedule of itself', async () => {
  const name = newName('self');
  expect(expectFields(await postSchedule(tenant, { name, ...after({ name }) }))).toEqual([
    '/spec/afterSuccessOf',
  ]);
});
