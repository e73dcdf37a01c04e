// Does a unique key keep its promise? At most one run holds it, even if many ask at the same moment and
// through several replicas, and a replaced run never runs as it was before.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { clearAway } from '#server/upkeep/enqueue-upkeep.js';
import { createdRun } from '#server/http/runs/run.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { openClient, openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createTenant,
  finishedRun,
  listRuns,
  newName,
  readRun,
  secondsFromNow,
  useTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const other = useTestServer({ beside: server, env: { CARILLON_NAME: 'other' } });
const tenant = useTenant(server);

const post = (body: object, api = tenant.api) =>
  api.post(`${tenant.path}/runs`).send({ jobType: 'echo', ...body });

async function ask(body: object, api = tenant.api) {
  const response = await post(body, api);
  return { status: response.status, ...createdRun.parse(response.body) };
}

const later = () => secondsFromNow(3_600);

describe('a unique key', () => {
  it('is held until its run has ended, and names the run to whoever asks again', async () => {
    const unique = { key: newName('key') };
    const first = await ask({ unique, runAt: later(), payload: { n: 1 } });
    expect(first).toMatchObject({ status: 201, deduplicated: false, replaced: false });
    const second = await ask({ unique, payload: { n: 2 } });
    expect(second).toMatchObject({ status: 200, id: first.id, deduplicated: true, payload: { n: 1 } });
  });

  it('is free again when its run has ended', async () => {
    const unique = { key: newName('key') };
    const first = await ask({ unique });
    await finishedRun(tenant, first);
    const second = await ask({ unique });
    expect(second).toMatchObject({ status: 201, deduplicated: false });
    expect(second.id).not.toBe(first.id);
  });

  it('with a window is held for the window, ended or not, and no longer', async () => {
    const unique = { key: newName('key'), windowSeconds: 3_600 };
    const first = await ask({ unique });
    await finishedRun(tenant, first);
    expect(await ask({ unique })).toMatchObject({ status: 200, id: first.id, state: 'succeeded' });
    const client = await openClient(server.databaseUrl);
    await client.query(
      `update carillon.unique_key set expires_at = clock_timestamp() - interval '1 second' where key = $1`,
      [unique.key],
    );
    const second = await ask({ unique });
    expect(second.status).toBe(201);
    expect(second.id).not.toBe(first.id);
  });

  it('with a window is free when the window is over, though its run waits', async () => {
    const unique = { key: newName('key'), windowSeconds: 1 };
    const first = await ask({ unique, runAt: later() });
    await until('the window is over', async () => (await ask({ unique, runAt: later() })).id !== first.id);
    expect(await readRun(tenant, first.id)).toMatchObject({ state: 'scheduled' });
  });

  it("is one tenant's alone (I10)", async () => {
    const unique = { key: newName('key') };
    const first = await ask({ unique, runAt: later() });
    const stranger = await createTenant(server);
    const { body, status } = await stranger.api
      .post(`${stranger.path}/runs`)
      .send({ jobType: 'echo', unique, runAt: later() });
    expect(status).toBe(201);
    expect(createdRun.parse(body).id).not.toBe(first.id);
  });

  it('that is held rejects whoever wants to be told so', async () => {
    const unique = { key: newName('key'), onConflict: 'reject' };
    const first = await ask({ unique, runAt: later() });
    expect(expectProblem(await post({ unique }), 'already-exists')).toMatchObject({ run: first.id });
  });

  it('makes one run of a hundred requests at once through two replicas', async () => {
    const unique = { key: newName('key') };
    const apis = [tenant.api, other.as(tenant.key)];
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => ask({ unique, runAt: later() }, apis[index % 2])),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  });

  it('makes one run a time of many requests while its runs end', async () => {
    const unique = { key: newName('key') };
    const mine = await createTenant(server);
    const apis = [mine.api, other.as(mine.key)];
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          (apis[index % 2] ?? mine.api).post(`${mine.path}/runs`).send({ jobType: 'noop', unique }),
        ),
      );
      for (const { status } of answers) expect([200, 201]).toContain(status);
    }
    await until('all have ended', async () =>
      (await listRuns(mine, '?pageSize=200')).every(({ finishedAt }) => finishedAt !== null),
    );
    // No run was created before the one before it had finished, by the database's own order of events.
    const client = await openClient(server.databaseUrl);
    const { rows } = await client.query<{ overlaps: number; runs: number }>(
      `select count(*)::int as runs, count(*) filter (where created_at < before)::int as overlaps
         from (select created_at, lag(finished_at) over (order by created_at) as before
                 from carillon.run_history where tenant_id = (select id from carillon.tenant where name = $1)) run`,
      [mine.name],
    );
    expect(rows[0]?.runs).toBeGreaterThan(1);
    expect(rows[0]?.overlaps).toBe(0);
  });
});

describe('replacing the run that holds a key', () => {
  it('gives it everything anew but its id and its age', async () => {
    const unique = { key: newName('key'), onConflict: 'replace' };
    const first = await ask({ unique, runAt: later(), payload: { n: 1 }, tags: ['old'] });
    const { name } = await createJobType(tenant, { target: { kind: 'handler', handler: 'echo' } });
    const second = await ask({ unique, jobType: name, payload: { n: 2 }, priority: 7, queue: 'other' });
    expect(second).toMatchObject({
      status: 200,
      id: first.id,
      deduplicated: true,
      replaced: true,
      payload: { n: 2 },
      priority: 7,
      queue: 'other',
      jobType: name,
      tags: [],
      createdAt: first.createdAt,
    });
    expect(await finishedRun(tenant, second)).toMatchObject({ state: 'succeeded', output: { n: 2 } });
  });

  it('is refused once it is claimed', async () => {
    const unique = { key: newName('key'), onConflict: 'replace' };
    const first = await ask({ unique, jobType: 'sleep', payload: { ms: 60_000 } });
    await until('it runs', async () => (await readRun(tenant, first.id)).state === 'running');
    expect(expectProblem(await post({ unique }), 'invalid-state')).toMatchObject({ run: first.id });
  });

  it('that waits for its retry is refused', async () => {
    const { name } = await createJobType(tenant, {
      target: { kind: 'handler', handler: 'fail' },
      retry: { maxAttempts: 2, minSeconds: 600, maxSeconds: 600 },
    });
    const unique = { key: newName('key'), onConflict: 'replace' };
    const first = await ask({ unique, jobType: name });
    await until('it has failed once', async () => (await readRun(tenant, first.id)).state === 'retrying');
    expectProblem(await post({ unique, jobType: name }), 'invalid-state');
  });

  it('never lets it run as it was once that is answered, however it is claimed meanwhile', async () => {
    const mine = await createTenant(server);
    const apis = [mine.api, other.as(mine.key)];
    const wish = (key: string, n: number) => ({
      jobType: 'echo',
      payload: n,
      unique: { key, onConflict: 'replace' },
    });
    let replacedInTime = 0;
    for (let round = 0; round < 100; round += 1) {
      const key = newName('race');
      const created = createdRun.parse(
        // Its owner is quick: of those that are due at once hardly one is replaced in time.
        (
          await mine.api
            .post(`${mine.path}/runs`)
            .send({ ...wish(key, 0), delaySeconds: round % 4 === 0 ? 3_600 : 0 })
            .expect(201)
        ).body,
      );
      const answers = await Promise.all(
        apis.map((api, index) => api.post(`${mine.path}/runs`).send(wish(key, index + 1))),
      );
      const ended = await finishedRun(mine, created);
      const accepted = answers.flatMap(({ status, body }) => {
        if (status !== 200) return [];
        const answer = createdRun.parse(body);
        return answer.id === created.id && answer.replaced ? [answer] : [];
      });
      for (const { status } of answers) expect([200, 201, 409]).toContain(status);
      if (accepted.length > 0) {
        replacedInTime += 1;
        expect(ended.output).not.toBe(0);
      } else expect(ended.output).toBe(0);
    }
    expect(replacedInTime).toBeGreaterThan(0);
  });
});

describe('a wish for a unique key is refused', () => {
  it.each([
    ['without a key', { unique: {} }, ['/unique/key']],
    ['with an empty key', { unique: { key: '' } }, ['/unique/key']],
    ['with a window of nothing', { unique: { key: 'a', windowSeconds: 0 } }, ['/unique/windowSeconds']],
    ['with another way', { unique: { key: 'a', onConflict: 'ignore' } }, ['/unique/onConflict']],
    ['with an unknown field', { unique: { key: 'a', ttl: 1 } }, ['/unique/ttl']],
    ['with runAt beside delaySeconds', { runAt: later(), delaySeconds: 1 }, ['/delaySeconds']],
    ['with a deadline that has passed', { deadline: secondsFromNow(-1) }, ['/deadline']],
    [
      'with a deadline that has passed, too',
      { runAt: secondsFromNow(-9), deadline: secondsFromNow(-1) },
      ['/deadline'],
    ],
    ['with a deadline before its instant', { runAt: later(), deadline: secondsFromNow(60) }, ['/deadline']],
  ])('%s', async (_, body, fields) => {
    expect(expectFields(await post(body))).toEqual(fields);
  });
});

describe('keys that nobody holds any more', () => {
  it('are cleared away, and no others', async () => {
    const db = openDatabase(server.databaseUrl);
    const held = newName('held');
    const ended = newName('ended');
    const over = newName('over');
    await ask({ unique: { key: held }, runAt: later() });
    await finishedRun(tenant, await ask({ unique: { key: ended } }));
    await ask({ unique: { key: over, windowSeconds: 1 }, runAt: later() });
    await until('the window is over and cleared away', async () => {
      await clearAway(db);
      const rows = await db
        .selectFrom('unique_key')
        .select('key')
        .where('key', 'in', [held, ended, over])
        .execute();
      return rows.length === 1 && rows[0]?.key === held;
    });
  });

  it('are cleared away in pages while they are taken again', async () => {
    const mine = await createTenant(server);
    const db = openDatabase(server.databaseUrl);
    const keys = Array.from({ length: 20 }, () => newName('again'));
    const state = { isOver: false };
    const clearing = (async () => {
      while (!state.isOver) await clearAway(db);
    })();
    for (let round = 0; round < 5; round += 1) {
      const runs = await Promise.all(
        keys.map(async (key) => {
          const { body } = await mine.api
            .post(`${mine.path}/runs`)
            .send({ jobType: 'noop', unique: { key } })
            .expect(201);
          return createdRun.parse(body);
        }),
      );
      for (const run of runs) await finishedRun(mine, run);
    }
    state.isOver = true;
    await clearing;
    const left = await db.selectFrom('unique_key').select('key').where('key', 'in', keys).execute();
    expect(z.array(z.unknown()).parse(left).length).toBeLessThanOrEqual(keys.length);
  });
});
