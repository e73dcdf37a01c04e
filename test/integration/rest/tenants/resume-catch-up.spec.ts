// Does a request that resumes a tenant get its schedules to catch up on the suspension, each as its policy says, and once?
import { expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { endedOperation, startedOperation } from '../../../support/operations.js';
import { useTestServer } from '../../../support/test-server.js';
import { createSchedule, listFires, useTenant, type Schedule } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server, { per: 'test' });

const act = (verb: string, body?: object) => server.admin.post(`${tenant.path}:${verb}`).send(body);
const withReason = async ({ name }: Schedule, reason: string) =>
  (await listFires(tenant, name, '?pageSize=200')).filter((fire) => fire.reason === reason);
const eachSecond = (catchUp: object) => createSchedule(tenant, { spec: { everySeconds: 1 }, catchUp });

/** So many due times of each have passed in the suspension. */
async function suspendOver(count: number, schedules: readonly Schedule[]): Promise<void> {
  await act('suspend').expect(200);
  for (const schedule of schedules)
    await until('so many are skipped', async () => (await withReason(schedule, 'suspended')).length >= count);
}

it('each schedule runs what its policy chooses, in an operation', async () => {
  const all = await eachSecond({ mode: 'all', withinSeconds: 3_600, max: 100 });
  const none = await eachSecond({ mode: 'none' });
  await suspendOver(3, [all, none]);
  const started = startedOperation(tenant, await act('resume', { catchUp: true }));
  expect(started).toMatchObject({ kind: 'catch-up-tenant', target: null, progress: { total: 2 } });
  const ended = await endedOperation(tenant, started);
  expect(ended).toMatchObject({
    state: 'succeeded',
    counts: { caughtUp: 1, refused: 1, unchanged: 0, notFound: 0 },
  });
  expect(ended.counts['runsMade']).toBeGreaterThanOrEqual(3);
  const rows = await until('all have started', async () => {
    const found = await withReason(all, 'catch-up');
    return found.every(({ outcome }) => outcome !== 'planned') && found;
  });
  expect(rows).toHaveLength(ended.counts['runsMade'] ?? 0);
  expect(await withReason(all, 'suspended')).toEqual([]);
  expect((await withReason(none, 'suspended')).length).toBeGreaterThanOrEqual(3);
  expect((await server.admin.get(tenant.path).expect(200)).body).toMatchObject({ state: 'active' });
});

it('a request that comes again, or later, finds the operation of its suspension', async () => {
  const schedule = await eachSecond({ mode: 'latest', withinSeconds: 3_600 });
  await suspendOver(2, [schedule]);
  await act('resume').expect(200);
  expect(await withReason(schedule, 'catch-up')).toEqual([]);
  const first = startedOperation(tenant, await act('resume', { catchUp: true }));
  const second = startedOperation(tenant, await act('resume', { catchUp: true }));
  expect(second.id).toBe(first.id);
  expect(await endedOperation(tenant, first)).toMatchObject({
    state: 'succeeded',
    progress: { done: 1, total: 1 },
  });
});

it('is refused where there is nothing to make up for, and for what is no answer', async () => {
  const refused = expectProblem(await act('resume', { catchUp: true }), 'invalid-state');
  expect(refused.detail).toBe(
    `expected a tenant that is suspended, or was, to catch up on that, got ${tenant.name}, which never was`,
  );
  expect(expectFields(await act('resume', { catchUp: 'yes' }))).toEqual(['/catchUp']);
  expect(expectFields(await act('resume', { catchup: true }))).toEqual(['/catchup']);
});
