// Does a request that resumes a schedule get what was due in the pause caught up on, and a clear answer where it can't?
import { expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { endedOperation, startedOperation } from '../../../support/operations.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  listFires,
  readSchedule,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server, { per: 'test' });

const ALL = { mode: 'all', withinSeconds: 3_600, max: 100 };
const EACH_SECOND = { spec: { everySeconds: 1 } };
const act = ({ name }: Schedule, verb: string, body?: object) =>
  tenant.api.post(`${tenant.path}/schedules/${name}:${verb}`).send(body);
const withReason = async ({ name }: Schedule, reason: string) =>
  (await listFires(tenant, name, '?pageSize=200')).filter((fire) => fire.reason === reason);

/** So many of its due times have passed in the pause. */
async function pausedOver(count: number, wish: object): Promise<Schedule> {
  const { name } = await createSchedule(tenant, { ...EACH_SECOND, ...wish });
  await tenant.api.post(`${tenant.path}/schedules/${name}:pause`).expect(200);
  const schedule = await readSchedule(tenant, name);
  const { pausedAt } = schedule;
  // What was due a moment before it, and had not started, is skipped as well, and not of the pause.
  const isOfPause = ({ dueAt }: { dueAt: string }): boolean => dueAt > (pausedAt ?? '');
  await until('so many are skipped', async () => {
    return (await withReason(schedule, 'paused')).filter(isOfPause).length >= count;
  });
  return schedule;
}

async function hasCaughtUp(schedule: Schedule, count: number): Promise<void> {
  const rows = await until('as many have started', async () => {
    const found = await withReason(schedule, 'catch-up');
    return found.length >= count && found.every(({ outcome }) => outcome !== 'planned') && found;
  });
  for (const { outcome } of rows) expect(['fired', 'late']).toContain(outcome);
}

it('runs what was due in the pause, and only when it is asked to', async () => {
  const schedule = await pausedOver(3, { catchUp: ALL });
  expect((await act(schedule, 'resume', { catchUp: true }).expect(200)).body).toMatchObject({
    state: 'active',
    pausedAt: null,
  });
  await hasCaughtUp(schedule, 3);
  // What was due a moment before the pause, and had not started, is not of the pause.
  const ofThePause = ({ dueAt }: { dueAt: string }): boolean => dueAt > (schedule.pausedAt ?? '');
  expect((await withReason(schedule, 'paused')).filter(ofThePause)).toEqual([]);
  const other = await pausedOver(2, { catchUp: ALL });
  await act(other, 'resume').expect(200);
  expect(await withReason(other, 'catch-up')).toEqual([]);
});

it('is refused where the policy makes up for nothing, and for what is no answer', async () => {
  const schedule = await pausedOver(1, { catchUp: { mode: 'none' } });
  const refused = expectProblem(await act(schedule, 'resume', { catchUp: true }), 'validation-failed');
  expect(refused.errors).toEqual([
    {
      pointer: '/catchUp',
      detail: 'expected a schedule whose catchUp has the mode latest or all, got one whose mode is none',
    },
  ]);
  expect(expectFields(await act(schedule, 'resume', { catchUp: 'yes' }))).toEqual(['/catchUp']);
  expect(expectFields(await act(schedule, 'resume', { catchup: true }))).toEqual(['/catchup']);
  expect(await readSchedule(tenant, schedule.name)).toMatchObject({ state: 'paused', revision: 2 });
});

it('is refused where its tenant has no place for its runs', async () => {
  const schedule = await pausedOver(2, { catchUp: ALL });
  const { admin } = server;
  const { body, headers } = await admin.get(tenant.path).expect(200);
  const limits = { ...(body as { limits: object }).limits, maxQueued: 1 };
  await admin
    .patch(tenant.path)
    .set('If-Match', headers['etag'] ?? '')
    .send({ limits })
    .expect(200);
  const problem = expectProblem(await act(schedule, 'resume', { catchUp: true }), 'quota-exceeded');
  expect(problem.detail).toMatch(
    /^expected room for the \d+ runs that \S+ is to catch up on, got \d+ unfinished runs of at most 1/,
  );
  expect(await readSchedule(tenant, schedule.name)).toMatchObject({ state: 'paused', revision: 2 });
});

it('catches up on many at once, and leaves those paused that can not', async () => {
  const [all, none] = [
    await pausedOver(2, { catchUp: ALL }),
    await pausedOver(2, { catchUp: { mode: 'none' } }),
  ];
  const ask = { filter: { state: 'paused' }, expectedCount: 2, catchUp: true };
  const started = startedOperation(
    tenant,
    await tenant.api.post(`${tenant.path}/schedules:resume`).send(ask),
  );
  expect(await endedOperation(tenant, started)).toMatchObject({
    kind: 'catch-up-schedules',
    state: 'succeeded',
    counts: { changed: 1, refused: 1, unchanged: 0, notFound: 0 },
  });
  await hasCaughtUp(all, 2);
  expect(await readSchedule(tenant, none.name)).toMatchObject({ state: 'paused' });
});
