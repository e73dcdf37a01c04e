// Does each run that a schedule makes need the schedule's locks, in whichever way it is made, and does it keep needing them?
import { describe, expect, it } from 'vitest';
import { expectProblem } from '../../../support/expect-problem.js';
import { endedOperation, startedOperation } from '../../../support/operations.js';
import { registerWorker } from '../../../support/pull-worker.js';
import { restLocks, type Acquired } from '../../../support/rest-locks.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  createSchedule,
  finishedRun,
  listFires,
  listRuns,
  newName,
  patchSchedule,
  postSchedule,
  readRun,
  readSchedule,
  secondsFromNow,
  useTenant,
  type Run,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);
const locks = restLocks(tenant);

const yearly = { spec: { cron: '0 0 1 1 *' } };
const soon = () => ({ spec: { at: secondsFromNow(1) } });
const path = ({ name }: Pick<Schedule, 'name'>, verb = '') => `${tenant.path}/schedules/${name}${verb}`;
const runNow = async (schedule: Schedule, body: object = {}) =>
  (await tenant.api.post(path(schedule, ':run')).send(body).expect(201)).body as Run;
const patch = (schedule: Schedule, body: object) => patchSchedule(tenant, schedule, body);
/** A caller's, of a lock of any name. */
const taken = (name: string, wish: object = {}) => locks.acquire(name, { leaseSeconds: 600, ...wish });

const runOf = ({ id }: Pick<Schedule, 'id'>) =>
  until('it has a run', async () => (await listRuns(tenant)).find(({ scheduleId }) => scheduleId === id));
const waiting = ({ id }: Pick<Run, 'id'>, name: string) =>
  until('the run stands in line', async () => {
    const run = await readRun(tenant, id);
    return run.locks.some((lock) => lock.name === name && lock.token === null) && run;
  });

/** The run waits for the lock, and runs once that is free. */
async function needs(run: Pick<Run, 'id'>, mine: Acquired): Promise<Run> {
  await waiting(run, mine.name);
  await locks.release(mine);
  const ended = await finishedRun(tenant, run);
  expect(ended).toMatchObject({ state: 'succeeded', locks: [] });
  return ended;
}

describe('a schedule', () => {
  it('shows its locks, has them changed and taken away, and its revisions say so', async () => {
    const name = newName('lock');
    const whole = [{ name, mode: 'exclusive', permits: 1 }];
    const made = await createSchedule(tenant, { ...yearly, locks: [{ name }] });
    expect(made).toMatchObject({ locks: whole, concurrencyKey: null, overlap: { mode: 'allow' } });
    expect((await patch(made, { priority: 1 }).expect(200)).body).toMatchObject({ locks: whole });
    const shared = [{ name, mode: 'shared' }];
    expect((await patch(made, { locks: shared }).expect(200)).body).toMatchObject({ locks: shared });
    expect((await patch(made, { locks: null }).expect(200)).body).toMatchObject({
      locks: [],
      concurrencyKey: null,
    });
    const { body } = await tenant.api.get(path(made, '/revisions')).expect(200);
    const of = (body as { items: { changes: { field: string }[] }[] }).items.map(({ changes }) =>
      changes.filter(({ field }) => field === 'locks'),
    );
    const sharedWhole = [{ name, mode: 'shared', permits: 1 }];
    expect(of).toEqual([
      [{ field: 'locks', from: sharedWhole, to: [] }],
      [{ field: 'locks', from: whole, to: sharedWhole }],
      [],
      [],
    ]);
    expect((await createSchedule(tenant, yearly)).locks).toEqual([]);
  });

  it('is applied with them, and again without a change', async () => {
    const name = newName('schedule');
    const apply = (wish: object[] | null) =>
      tenant.api
        .put(path({ name }))
        .set('If-Match', '*')
        .send({ ...yearly, jobType: 'noop', locks: wish });
    await postSchedule(tenant, { ...yearly, name }).expect(201);
    await apply([{ name: 'b' }, { name: 'a' }]).expect(200);
    expect(await readSchedule(tenant, name)).toMatchObject({
      revision: 2,
      locks: [{ name: 'b' }, { name: 'a' }],
    });
    await apply([
      { name: 'b', permits: 1 },
      { name: 'a', mode: 'exclusive' },
    ]).expect(200);
    expect((await readSchedule(tenant, name)).revision).toBe(2);
    await apply(null).expect(200);
    expect(await readSchedule(tenant, name)).toMatchObject({ revision: 3, locks: [] });
  });

  it('is refused with locks that can not be had', async () => {
    const gpu = newName('gpu');
    const made = await createSchedule(tenant, yearly);
    const permits = [{ name: 'a' }, { name: gpu, mode: 'permits' }];
    const detail = `expected permits of a semaphore, got those of ${gpu}, which is none`;
    const apply = tenant.api.put(path(made)).set('If-Match', '*');
    for (const response of [
      await postSchedule(tenant, { ...yearly, locks: permits }),
      await patch(made, { locks: permits }),
      await apply.send({ ...yearly, jobType: 'noop', locks: permits }),
    ])
      expect(expectProblem(response, 'validation-failed').errors).toEqual([
        { pointer: '/locks/1/mode', detail },
      ]);
    await tenant.api.put(locks.path(gpu)).send({ permits: 2 }).expect(201);
    const few = await patch(made, { locks: [{ name: gpu, mode: 'permits', permits: 3 }] });
    expect(expectProblem(few, 'validation-failed').errors).toEqual([
      { pointer: '/locks/0/permits', detail: `expected at most the 2 of ${gpu}, got 3` },
    ]);
    await patch(made, { locks: [{ name: gpu, mode: 'permits', permits: 2 }] }).expect(200);
  });

  it.each([
    ['/locks', 'books'],
    ['/locks/0/name', [{ name: 'A' }]],
    ['/locks/0/mode', [{ name: 'a', mode: 'both' }]],
    ['/locks/0/permits', [{ name: 'a', permits: 2 }]],
    ['/locks/1/name', [{ name: 'a' }, { name: 'a' }]],
    ['/locks/0/lease', [{ name: 'a', lease: 5 }]],
    ['/locks', Array.from({ length: 21 }, (_, index) => ({ name: `a${index}` }))],
  ])('is refused by %s', async (pointer, given) => {
    const refused = await postSchedule(tenant, { ...yearly, locks: given });
    expect(expectProblem(refused, 'validation-failed').errors).toMatchObject([{ pointer }]);
  });
});

describe('a run needs the locks of its schedule', () => {
  it('and waits for them in line, while other runs of its job type go on; its token is told', async () => {
    const name = newName('lock');
    const worker = await registerWorker(tenant);
    const mine = await taken(name);
    const schedule = await createSchedule(tenant, { ...soon(), jobType: worker.jobType, locks: [{ name }] });
    const run = await runOf(schedule);
    await waiting(run, name);
    const other = await createRun(tenant, { jobType: worker.jobType });
    const lease = await worker.take();
    expect(lease.run).toMatchObject({ id: other.id, locks: {} });
    await worker.say(lease, 'complete', { output: null }).expect(200);
    await locks.release(mine);
    const own = await worker.take();
    expect(own.run.id).toBe(run.id);
    expect(own.run.locks[name]).toBeGreaterThan(mine.token);
    expect((await locks.read(name)).holds).toMatchObject([{ runId: run.id, expiresAt: null }]);
    await worker.say(own, 'complete', { output: null }).expect(200);
    expect((await locks.read(name)).isHeld).toBe(false);
  });

  it('also when these are taken from the schedule while it waits, and when the schedule is deleted', async () => {
    const name = newName('lock');
    const mine = await taken(name);
    const schedule = await createSchedule(tenant, { ...yearly, locks: [{ name }] });
    const run = await runNow(schedule);
    await waiting(run, name);
    await patch(schedule, { locks: null }).expect(200);
    // One that is made from now on needs none.
    expect(await finishedRun(tenant, await runNow(schedule))).toMatchObject({ state: 'succeeded' });
    await tenant.api.delete(path(schedule)).set('If-Match', '*').expect(204);
    expect((await readRun(tenant, run.id)).locks).toEqual([{ name, token: null }]);
    await needs(run, mine);
  });

  it('as the schedule says, where its job type names them, too', async () => {
    const [name, ofJob] = [newName('lock'), newName('lock')];
    const { name: jobType } = await createJobType(tenant, {
      locks: [{ name, mode: 'shared' }, { name: ofJob }],
    });
    const mine = await taken(name, { mode: 'shared' });
    const plain = await createRun(tenant, { jobType });
    expect(await finishedRun(tenant, plain)).toMatchObject({ state: 'succeeded' });
    const schedule = await createSchedule(tenant, { ...yearly, jobType, locks: [{ name }] });
    const run = await runNow(schedule);
    expect((await waiting(run, name)).locks.map((lock) => lock.name)).toEqual([name, ofJob].toSorted());
    await needs(run, mine);
  });

  it('when it makes up for due times of before', async () => {
    const name = newName('lock');
    const mine = await taken(name);
    const schedule = await createSchedule(tenant, { spec: { cron: '0 0 1 * *' }, locks: [{ name }] });
    const now = new Date();
    const [from, to] = [1, 2].map((day) =>
      new Date(Date.UTC(now.getFullYear(), now.getMonth() - 1, day)).toISOString(),
    );
    const span = { from, to };
    const started = startedOperation(tenant, await tenant.api.post(path(schedule, ':backfill')).send(span));
    await endedOperation(tenant, started);
    expect((await needs(await runOf(schedule), mine)).dueAt).toBe(span.from);
  });

  it('when it makes up for a pause', async () => {
    const name = newName('lock');
    const mine = await taken(name);
    const catchUp = { mode: 'latest', withinSeconds: 3_600 };
    const schedule = await createSchedule(tenant, {
      spec: { at: secondsFromNow(2) },
      catchUp,
      locks: [{ name }],
    });
    await tenant.api.post(path(schedule, ':pause')).expect(200);
    const fire = async () => (await listFires(tenant, schedule.name))[0];
    await until('it is skipped', async () => (await fire())?.reason === 'paused');
    await tenant.api.post(path(schedule, ':resume')).send({ catchUp: true }).expect(200);
    expect(await fire()).toMatchObject({ reason: 'catch-up' });
    await needs(await runOf(schedule), mine);
  });

  it('when it follows another run', async () => {
    const name = newName('lock');
    const mine = await taken(name);
    const first = await createSchedule(tenant, soon());
    const second = await createSchedule(tenant, {
      spec: { afterSuccessOf: first.name },
      locks: [{ name }],
    });
    expect((await needs(await runOf(second), mine)).scheduleId).toBe(second.id);
  });

  it.each([
    ['beside a policy of overlap', { overlap: { mode: 'skip' } }, {}],
    ['beside such a policy by force', { overlap: { mode: 'skip' } }, { force: true }],
    ['with a key of its own', { concurrencyKey: 'customer-7' }, {}],
  ])('when it is started at once %s', async (_, wish, body) => {
    const name = newName('lock');
    const mine = await taken(name);
    const schedule = await createSchedule(tenant, { ...yearly, ...wish, locks: [{ name }] });
    expect(schedule).toMatchObject(wish);
    await needs(await runNow(schedule, body), mine);
  });

  it('when it is retried out of the history', async () => {
    const name = newName('lock');
    const { name: jobType } = await createJobType(tenant, { target: { kind: 'handler', handler: 'fail' } });
    const schedule = await createSchedule(tenant, { ...yearly, jobType, locks: [{ name }] });
    const run = await runNow(schedule);
    expect(await finishedRun(tenant, run)).toMatchObject({ state: 'dead-lettered' });
    const mine = await taken(name);
    await tenant.api.post(`${tenant.path}/runs/${run.id}:retry`).expect(200);
    await waiting(run, name);
    await locks.release(mine);
    expect(await finishedRun(tenant, run)).toMatchObject({ state: 'dead-lettered', attempt: 2 });
  });
});

it('a schedule that a worker defines has the locks that its code names', async () => {
  const { jobType } = await registerWorker(tenant);
  const name = newName('schedule');
  const define = (wish: object[]) =>
    tenant.api
      .post(`${tenant.path}/worker/schedules:define`)
      .send({ jobTypes: [{ name: jobType, schedules: [{ ...yearly, name, locks: wish }] }] })
      .expect(200);
  expect((await define([{ name: 'books' }])).body).toMatchObject({ refused: [] });
  expect(await readSchedule(tenant, name)).toMatchObject({ source: 'code', locks: [{ name: 'books' }] });
  const { body } = await define([{ name: 'books', mode: 'permits' }]);
  const detail = expect.stringContaining('expected permits of a semaphore, got those of books') as string;
  expect(body).toMatchObject({ refused: [{ schedule: name, detail }] });
});
