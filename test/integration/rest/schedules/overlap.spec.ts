// Can a schedule say what becomes of a due time while a run of it is still running, and does its ledger tell?
import { describe, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  listFires,
  newName,
  patchSchedule,
  readRun,
  useTenant,
  type Fire,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const eachSecond = { spec: { everySeconds: 1 }, jobType: 'sleep' };
const skip = { mode: 'skip' };

const untilOne = (name: string, isIt: (fire: Fire) => boolean) =>
  until('there is such a due time', async () => (await listFires(tenant, name)).find(isIt));

describe('a schedule', () => {
  it('lets its runs run side by side, unless it says otherwise', async () => {
    expect((await createSchedule(tenant)).overlap).toEqual({ mode: 'allow' });
  });

  it('that skips records what did not run, and its run says why', async () => {
    const { name, ...schedule } = await createSchedule(tenant, {
      ...eachSecond,
      payload: { ms: 86_000_000 },
      overlap: skip,
    });
    expect(schedule).toMatchObject({ overlap: skip, concurrencyKey: null });
    const skipped = await untilOne(name, ({ reason }) => reason === 'overlap');
    expect(skipped).toMatchObject({ outcome: 'skipped', startedAt: null });
    const run = await readRun(tenant, skipped.runId ?? '');
    expect(run).toMatchObject({ state: 'cancelled', error: { name: 'Overlap' } });
    const explained = await tenant.api
      .get(`${tenant.path}/schedules/${name}:explain`)
      .query({ at: skipped.dueAt });
    expect(explained.body).toMatchObject({ text: expect.stringContaining('still running') as string });
  });

  it('that replaces cancels the running run for the latest', async () => {
    const { name } = await createSchedule(tenant, {
      ...eachSecond,
      payload: { ms: 86_000_000 },
      overlap: { mode: 'replace' },
    });
    const first = await untilOne(name, ({ outcome }) => outcome === 'fired' || outcome === 'late');
    const ended = await until('it is cancelled', async () => {
      const run = await readRun(tenant, first.runId ?? '');
      return run.state === 'cancelled' && run;
    });
    expect(ended.error).toMatchObject({ message: 'a later run of its schedule takes its place' });
  });

  it('changes its policy, and null means allow', async () => {
    const schedule = await createSchedule(tenant, { overlap: skip });
    const change = async (body: object) =>
      (await patchSchedule(tenant, schedule, body).expect(200)).body as unknown;
    expect(await change({ overlap: { mode: 'queue' } })).toMatchObject({
      overlap: { mode: 'queue', max: 1 },
    });
    expect(await change({ tags: ['kept'] })).toMatchObject({ overlap: { mode: 'queue', max: 1 } });
    expect(await change({ overlap: null, concurrencyKey: 'customer-7' })).toMatchObject({
      overlap: { mode: 'allow' },
      concurrencyKey: 'customer-7',
    });
    expect(await change({ overlap: { mode: 'replace' }, concurrencyKey: null })).toMatchObject({
      overlap: { mode: 'replace' },
      concurrencyKey: null,
    });
  });
});

describe('a request', () => {
  const create = (body: object) =>
    tenant.api.post(`${tenant.path}/schedules`).send({ name: newName('schedule'), ...eachSecond, ...body });

  it.each([
    ['/overlap/mode', { overlap: { mode: 'never' } }],
    ['/overlap/max', { overlap: { mode: 'skip', max: 2 } }],
    ['/overlap/max', { overlap: { mode: 'queue', max: 1_001 } }],
    ['/overlap', { overlap: 'skip' }],
    ['/concurrencyKey', { overlap: skip, concurrencyKey: 'customer-7' }],
  ])('with a wrong %s names it', async (pointer, body) => {
    expect(expectFields(await create({ payload: { ms: 1 }, ...body }))).toEqual([pointer]);
  });

  it('that would give a key to a schedule with a policy names what it sent', async () => {
    const skips = await createSchedule(tenant, { overlap: skip });
    expect(expectFields(await patchSchedule(tenant, skips, { concurrencyKey: 'k' }))).toEqual([
      '/concurrencyKey',
    ]);
    const keyed = await createSchedule(tenant, { concurrencyKey: 'k' });
    expect(expectFields(await patchSchedule(tenant, keyed, { overlap: skip }))).toEqual(['/overlap']);
  });

  it("can't put a run of its own among those of a schedule", async () => {
    const { id } = await createSchedule(tenant, { overlap: skip });
    const run = { jobType: 'noop', concurrencyKey: `schedule/${id}/skip` };
    expect(expectFields(await tenant.api.post(`${tenant.path}/runs`).send(run))).toEqual(['/concurrencyKey']);
  });
});
