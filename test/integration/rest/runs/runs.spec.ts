// What can a tenant do with runs, and what does it see of them?
import { describe, expect, it } from 'vitest';
import { run as runShape } from '#server/http/runs/run.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { startTestServer, useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  createTenant,
  finish,
  finishedRun,
  listRuns,
  newName,
  readRun,
  secondsFromNow,
  useTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const create = (body: object) => tenant.api.post(`${tenant.path}/runs`).send(body);

describe('creating a run', () => {
  it('answers with where it is, and it is there at once (I5)', async () => {
    const response = await create({ jobType: 'noop', payload: { a: 1 }, priority: 5 }).expect(201);
    const created = runShape.parse(response.body);
    expect(response.headers['location']).toBe(`${tenant.path}/runs/${created.id}`);
    expect(created).toMatchObject({
      jobType: 'noop',
      payload: { a: 1 },
      priority: 5,
      attempt: 1,
      pastAttempts: [],
      scheduleId: null,
      schedule: null,
      dueAt: null,
      error: null,
    });
    expect(await readRun(tenant, created.id)).toMatchObject({ id: created.id, payload: { a: 1 } });
  });

  it.each([
    ['an object', { a: { b: [1, 2.5, -0.001, true, null, ''] } }],
    ['a list', [1, 'two', [3]]],
    ['text', 'Grüße 🎼 "quoted" \\ \u2028 \u007f'],
    ['a number', 1e308],
    ['true', true],
    ['null', null],
    ['an object with awkward names', { '': 1, 'a/b~c': 2, constructor: 3, 'ä 🎼': 4 }],
  ])('may carry %s, which comes back as it went in', async (_, payload) => {
    expect(await finish(tenant, { jobType: 'echo', payload })).toMatchObject({
      state: 'succeeded',
      payload,
      output: payload,
    });
  });

  it('without a payload carries an empty object', async () => {
    expect(await finish(tenant, { jobType: 'echo' })).toMatchObject({ payload: {}, output: {} });
  });

  it('may carry 256 KiB, and not more', async () => {
    const ofBytes = (bytes: number) => 'x'.repeat(bytes - 2); // JSON adds the quotes
    expect(await finish(tenant, { jobType: 'echo', payload: ofBytes(262_144) })).toMatchObject({
      state: 'succeeded',
    });
    expect(
      expectProblem(await create({ jobType: 'echo', payload: ofBytes(262_145) }), 'payload-too-large').detail,
    ).toMatch(/expected at most 262144 .* got 262145/);
    // Bytes, not characters.
    expectProblem(await create({ jobType: 'echo', payload: 'ä'.repeat(140_000) }), 'payload-too-large');
  });

  it('in the past means now', async () => {
    expect(await finish(tenant, { runAt: '2001-01-01T00:00:00Z' })).toMatchObject({
      state: 'succeeded',
      runAt: '2001-01-01T00:00:00.000Z',
    });
  });

  it('a hundred times at once makes a hundred runs, each run once', async () => {
    const payload = { batch: newName('burst') };
    const runs = await Promise.all(
      Array.from({ length: 100 }, () => createRun(tenant, { jobType: 'record', payload })),
    );
    expect(new Set(runs.map(({ id }) => id)).size).toBe(100);
    for (const run of runs)
      expect(await finishedRun(tenant, run)).toMatchObject({ state: 'succeeded', attempt: 1 });
    const lines = (await server.sideLog()).filter((line) => JSON.stringify(line).includes(payload.batch));
    expect(lines).toHaveLength(100);
  });
});

describe('a run that was acknowledged', () => {
  it('by a replica that leaves at once is run by another (I5)', async () => {
    const leaving = await startTestServer({ databaseUrl: server.databaseUrl });
    const there = { ...tenant, api: leaving.as(tenant.key) };
    const runs = await Promise.all(
      Array.from({ length: 50 }, (_, payload) => createRun(there, { jobType: 'echo', payload })),
    );
    await leaving.stop();
    const ended = await Promise.all(runs.map((run) => finishedRun(tenant, run)));
    expect(ended.map(({ state, output }) => `${state} ${String(output)}`)).toEqual(
      runs.map((_, index) => `succeeded ${index}`),
    );
  });

  it('is not lost when a replica leaves in the middle of it, and nothing is held against it', async () => {
    const leaving = await startTestServer({ databaseUrl: server.databaseUrl });
    const runs = await Promise.all(
      // So long that a slow machine sees them run, too.
      Array.from({ length: 20 }, () => createRun(tenant, { jobType: 'sleep', payload: { ms: 2_000 } })),
    );
    await until('some run', async () => (await listRuns(tenant, '?state=running')).length > 0);
    await leaving.stop(); // with no time to finish what it runs
    for (const run of runs) {
      const ended = await finishedRun(tenant, run);
      expect(ended).toMatchObject({ state: 'succeeded', attempt: ended.pastAttempts.length + 1 });
      // What it had to stop was lost; what it had not started went on as if nothing had happened.
      expect(ended.pastAttempts.filter(({ outcome }) => outcome !== 'lost')).toEqual([]);
    }
  });
});

describe('a run is refused', () => {
  it.each([
    ['without a job type', {}, ['/jobType']],
    ['with an unknown job type', { jobType: 'nobody.has-it' }, ['/jobType']],
    ['with a job type that is no name', { jobType: 'No Op' }, ['/jobType']],
    ['with a job type that is a list', { jobType: ['noop'] }, ['/jobType']],
    ['with a payload of the wrong kind', { jobType: 'sleep', payload: 5 }, ['/payload']],
    ['with a field of the wrong kind', { jobType: 'sleep', payload: { ms: 'x' } }, ['/payload/ms']],
    [
      'with several wrong fields',
      { jobType: 'fail', payload: { times: -1, fatal: 'yes', message: 5 } },
      ['/payload/message', '/payload/times', '/payload/fatal'],
    ],
    ['with a NUL character', { jobType: 'echo', payload: { list: ['a', 'b\0'] } }, ['/payload/list/1']],
    ['with half a surrogate pair', { jobType: 'echo', payload: '\ud83c' }, ['/payload']],
    ['with a priority above 100', { jobType: 'noop', priority: 101 }, ['/priority']],
    ['with a priority below -100', { jobType: 'noop', priority: -101 }, ['/priority']],
    ['with half a priority', { jobType: 'noop', priority: 0.5 }, ['/priority']],
    ['with a priority that is text', { jobType: 'noop', priority: 'high' }, ['/priority']],
    ['at no instant', { jobType: 'noop', runAt: 'tomorrow' }, ['/runAt']],
    ['at an instant without an offset', { jobType: 'noop', runAt: '2099-01-01T00:00:00' }, ['/runAt']],
    ['at null', { jobType: 'noop', runAt: null }, ['/runAt']],
    ['with an unknown field', { jobType: 'noop', colour: 'red' }, ['/colour']],
    ['with an id of its own', { jobType: 'noop', id: '01890a5d-ac96-774b-bcce-b302099a8057' }, ['/id']],
  ])('%s', async (_, body, fields) => {
    expect([...new Set(expectFields(await create(body)))]).toEqual(fields);
  });
});

describe('reading a run', () => {
  it('that does not exist answers 404', async () => {
    expectProblem(
      await tenant.api.get(`${tenant.path}/runs/01890a5d-ac96-774b-bcce-b302099a8057`),
      'not-found',
    );
    expectProblem(
      await tenant.api.get(`${tenant.path}/runs/01890a5d-ac96-774b-bcce-b302099a8057?wait=5`),
      'not-found',
    );
  });

  it.each([
    'abc',
    '1',
    '01890a5dac96774bbcceb302099a8057',
    '%7B01890a5d-ac96-774b-bcce-b302099a8057%7D',
    '01890a5d-ac96-774b-bcce-b302099a805',
    "'%20or%201=1",
    '%00',
  ])('by %s, which is no id, answers 422', async (id) => {
    expect(expectFields(await tenant.api.get(`${tenant.path}/runs/${id}`))).toEqual([':run']);
  });

  it('by its id in upper case finds it', async () => {
    const { id } = await createRun(tenant);
    expect(await readRun(tenant, id.toUpperCase())).toMatchObject({ id });
  });
});

describe('a run in the future', () => {
  it('is scheduled until then, and does not start before (I6)', async () => {
    const runAt = secondsFromNow(1.5);
    const run = await createRun(tenant, { jobType: 'record', payload: { future: true }, runAt });
    expect(run).toMatchObject({ state: 'scheduled', runAt, startedAt: null });
    const ended = await finishedRun(tenant, run);
    expect(ended.state).toBe('succeeded');
    expect(Date.parse(ended.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(runAt));
  });

  it.each(['9999-12-31T23:59:59.999Z', '2099-01-01T00:00:00+14:00'])('at %s can be kept', async (runAt) => {
    const run = await createRun(tenant, { runAt });
    expect(await readRun(tenant, run.id)).toMatchObject({
      state: 'scheduled',
      runAt: new Date(runAt).toISOString(),
    });
  });
});

describe('listing runs', () => {
  it('shows the newest first, finished and unfinished alike', async () => {
    const mine = await createTenant(server);
    const first = await finish(mine);
    const second = await createRun(mine, { runAt: secondsFromNow(3_600) });
    const third = await finish(mine);
    expect((await listRuns(mine)).map(({ id }) => id)).toEqual([third, second, first].map(({ id }) => id));
  });

  it('by state and by schedule shows those alone', async () => {
    const mine = await createTenant(server);
    const ok = await finish(mine);
    const { name } = await createJobType(mine, { target: { kind: 'handler', handler: 'fail' } });
    const failed = await finish(mine, { jobType: name });
    const later = await createRun(mine, { runAt: secondsFromNow(3_600) });
    const ids = async (query: string) => (await listRuns(mine, query)).map(({ id }) => id);
    expect(await ids('?state=succeeded')).toEqual([ok.id]);
    expect(await ids('?state=dead-lettered')).toEqual([failed.id]);
    expect(await ids('?state=scheduled')).toEqual([later.id]);
    expect(await ids('?state=running')).toEqual([]);
    expect(await ids('?state=failed')).toEqual([]);
  });

  it('by an unknown state or another mistake is refused', async () => {
    for (const [query, field] of [
      ['state=done', '?state'],
      ['state=', '?state'],
      ['state=failed&state=queued', '?state'],
      ['schedule=A%20b', '?schedule'],
      ['jobType=No%20op', '?jobType'],
      ['tag=', '?tag'],
      ['queue=A', '?queue'],
      ['createdAfter=today', '?createdAfter'],
      ['colour=red', '?colour'],
      ['pageToken=a&pageToken=b', '?pageToken'],
    ] as const) {
      expect(expectFields(await tenant.api.get(`${tenant.path}/runs?${query}`))).toEqual([field]);
    }
  });

  it('by a schedule that does not exist answers 404', async () => {
    expectProblem(await tenant.api.get(`${tenant.path}/runs?schedule=nobody`), 'not-found');
  });
});
