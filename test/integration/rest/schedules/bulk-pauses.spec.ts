// Are just the schedules that match a filter paused, or resumed, and none when others match than the caller expects?
import { beforeEach, expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { endedOperation, startedOperation } from '../../../support/operations.js';
import { useTestServer } from '../../../support/test-server.js';
import { createSchedule, readSchedule, secondsFromNow, useTenant } from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server, { per: 'test' });

const ask = (verb: string, body: object) => tenant.api.post(`${tenant.path}/schedules:${verb}`).send(body);
const BILLING = { labels: { team: 'billing' } };
const MANY = 12;
const billing = Array.from({ length: MANY }, (_, n) => `billing-${n}`);

beforeEach(async () => {
  for (const name of billing) await createSchedule(tenant, { name, labels: { team: 'billing' } });
  await createSchedule(tenant, { name: 'sales' });
});

it('pauses and resumes those that match, as single requests do', async () => {
  expect((await ask('pause', { filter: BILLING, dryRun: true }).expect(200)).body).toEqual({
    matching: MANY,
  });
  expect(await readSchedule(tenant, 'billing-0')).toMatchObject({ state: 'active', revision: 1 });
  const until = secondsFromNow(3_600);
  const pause = { filter: BILLING, expectedCount: MANY, reason: 'closed', until };
  const paused = startedOperation(tenant, await ask('pause', pause));
  expect(paused).toMatchObject({ kind: 'pause-schedules', target: null, progress: { total: MANY } });
  expect(await endedOperation(tenant, paused)).toMatchObject({
    state: 'succeeded',
    progress: { done: MANY, total: MANY },
    counts: { changed: MANY, unchanged: 0, notFound: 0 },
  });
  for (const name of billing)
    expect(await readSchedule(tenant, name)).toMatchObject({
      state: 'paused',
      pauseReason: 'closed',
      pausedUntil: until,
      revision: 2,
    });
  expect(await readSchedule(tenant, 'sales')).toMatchObject({ state: 'active', revision: 1 });

  const filter = { ...BILLING, state: 'paused', jobType: 'noop', q: 'billing-1' };
  const resumed = startedOperation(tenant, await ask('resume', { filter, expectedCount: 3 }));
  expect(await endedOperation(tenant, resumed)).toMatchObject({
    kind: 'resume-schedules',
    counts: { changed: 3 },
  });
  expect(await readSchedule(tenant, 'billing-11')).toMatchObject({
    state: 'active',
    pauseReason: null,
    revision: 3,
  });
  expect(await readSchedule(tenant, 'billing-2')).toMatchObject({ state: 'paused', revision: 2 });

  const all = startedOperation(tenant, await ask('resume', { filter: {}, expectedCount: MANY + 1 }));
  expect(await endedOperation(tenant, all)).toMatchObject({ counts: { changed: MANY - 3, unchanged: 4 } });
});

it('does nothing when another number matches, and says how many do', async () => {
  const problem = expectProblem(await ask('pause', { filter: BILLING, expectedCount: 3 }), 'invalid-state');
  expect(problem.detail).toBe(`expected 3 schedules to match the filter, got ${MANY}`);
  expect(expectFields(await ask('pause', { filter: BILLING }))).toEqual(['/expectedCount']);
  expect(expectFields(await ask('pause', { expectedCount: 1 }))).toEqual(['/filter']);
  expect(expectFields(await ask('pause', { filter: { label: 'a' }, expectedCount: 1 }))).toEqual([
    '/filter/label',
  ]);
  const past = { filter: {}, expectedCount: MANY + 1, until: secondsFromNow(-1) };
  expect(expectFields(await ask('pause', past))).toEqual(['/until']);
  expect(expectFields(await ask('resume', { filter: {}, expectedCount: 1, reason: 'no' }))).toEqual([
    '/reason',
  ]);
  expect((await tenant.api.get(`${tenant.path}/operations`).expect(200)).body).toMatchObject({ items: [] });
  expect(await readSchedule(tenant, 'billing-0')).toMatchObject({ state: 'active', revision: 1 });
});

it('finds that one was deleted meanwhile, and has paused the others', async () => {
  const started = startedOperation(tenant, await ask('pause', { filter: {}, expectedCount: MANY + 1 }));
  await tenant.api.delete(`${tenant.path}/schedules/sales`).set('If-Match', '*').expect(204);
  const { state, counts } = await endedOperation(tenant, started);
  expect(state).toBe('succeeded');
  expect((counts['changed'] ?? 0) + (counts['notFound'] ?? 0)).toBe(MANY + 1);
});
