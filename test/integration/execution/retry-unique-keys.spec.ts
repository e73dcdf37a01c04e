// Does a run that is tried again keep the promise of its unique key? It takes the key again or stays over, when others
// wants the key at the same moment, and then it holds it like any other run.
import { describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import { z } from 'zod';
import { clearAway } from '#server/upkeep/enqueue-upkeep.js';
import { retriedRuns } from '#server/http/runs/run-actions.shapes.js';
import { createdRun, run as runShape } from '#server/http/runs/run.shapes.js';
import { expectProblem } from '../../support/expect-problem.js';
import { openClient, openDatabase } from '../../support/rows.js';
import { useTestServer } from '../../support/test-server.js';
import {
  createRun,
  createTenant,
  finishedRun,
  newName,
  readRun,
  secondsFromNow,
  useTenant,
  type Run,
} from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const server = useTestServer();
const other = useTestServer({ beside: server, env: { CARILLON_NAME: 'other' } });
const tenant = useTenant(server);

const act = ({ id }: { id: string }, verb: 'cancel' | 'retry', api = tenant.api) =>
  api.post(`${tenant.path}/runs/${id}:${verb}`);
const waiting = (wish: object): Promise<Run> =>
  createRun(tenant, { jobType: 'echo', runAt: secondsFromNow(3_600), ...wish });

async function cancelled(wish: object): Promise<Run> {
  const run = await waiting(wish);
  return runShape.parse((await act(run, 'cancel').expect(200)).body);
}

/** Several that are over and held the same key, one after the other. */
async function cancelledWithKey(count: number, wish: object): Promise<Run[]> {
  const runs: Run[] = [];
  while (runs.length < count) runs.push(await cancelled(wish));
  return runs;
}

/** Nothing starts meanwhile, so what is brought back stays there to be looked at. */
async function whilePaused(): Promise<string> {
  const queue = newName('queue');
  await tenant.api.post(`${tenant.path}/queues/${queue}:pause`).expect(200);
  return queue;
}

const retryMany = async (filter: object) =>
  retriedRuns.parse((await tenant.api.post(`${tenant.path}/runs:retry`).send({ filter }).expect(200)).body);

describe('a run that held a unique key', () => {
  it('is not tried again while another run holds the key, and the answer names that one', async () => {
    const unique = { key: newName('key') };
    const former = await cancelled({ unique });
    const holder = await waiting({ unique });
    const problem = expectProblem(await act(former, 'retry'), 'already-exists');
    expect(problem).toMatchObject({ run: holder.id });
    expect(problem.detail).toContain(unique.key);
    expect(await readRun(tenant, former.id)).toEqual(former);
    await act(holder, 'cancel').expect(200);
    const retried = await act(former, 'retry').expect(200);
    expect(retried.body).toMatchObject({ id: former.id, attempt: 2 });
  });

  it('holds the key again, against new runs, from SQL as well, and against those that held it before', async () => {
    const unique = { key: newName('key') };
    const queue = await whilePaused();
    const [former, late] = await cancelledWithKey(2, { unique, queue });
    if (former === undefined || late === undefined) throw new Error('expected two runs');
    await act(former, 'retry').expect(200);
    // Its own row in the table of keys may be looked at by the upkeep at any time.
    await clearAway(openDatabase(server.databaseUrl));
    const { body, status } = await tenant.api
      .post(`${tenant.path}/runs`)
      .send({ jobType: 'echo', unique, payload: 2 });
    expect({ status, ...createdRun.parse(body) }).toMatchObject({ status: 200, id: former.id });
    expectProblem(await act(late, 'retry'), 'already-exists');
    const client = await openClient(server.databaseUrl);
    const call = client.query(
      `select carillon.enqueue($1, 'echo', unique_key => $2, on_conflict => 'reject')`,
      [tenant.name, unique.key],
    );
    await expect(call).rejects.toMatchObject({ code: '23505' });
    await tenant.api.post(`${tenant.path}/queues/${queue}:resume`).expect(200);
    expect(await finishedRun(tenant, former)).toMatchObject({ state: 'succeeded', attempt: 2 });
    await act(late, 'retry').expect(200);
  });

  it('which SQL has given it is not tried again, either, while another run holds it', async () => {
    const key = newName('key');
    const client = await openClient(server.databaseUrl);
    const { rows } = await client.query<{ id: string }>(
      `select carillon.enqueue($1, 'echo', run_at => now() + interval '1 hour', unique_key => $2, unique_window => '1 month') as id`,
      [tenant.name, key],
    );
    const [former = { id: 'none' }] = rows;
    await act(former, 'cancel').expect(200);
    await client.query(`delete from carillon.unique_key where key = $1`, [key]);
    const holder = await waiting({ unique: { key } });
    expect(expectProblem(await act(former, 'retry'), 'already-exists')).toMatchObject({ run: holder.id });
  });

  it('holds it for its whole window again', async () => {
    const unique = { key: newName('key'), windowSeconds: 3_600 };
    const former = await cancelled({ unique });
    const db = openDatabase(server.databaseUrl);
    const expiry = async () => {
      const { rows } = await sql<{ run: string; seconds: number }>`
        select run_id as run, extract(epoch from expires_at - clock_timestamp())::float8 as seconds
          from carillon.unique_key where key = ${unique.key}`.execute(db);
      return rows;
    };
    // Half of it is over, and the run itself is what the key names.
    await sql`update carillon.unique_key set expires_at = clock_timestamp() + interval '30 minutes' where key = ${unique.key}`.execute(
      db,
    );
    await act(former, 'retry').expect(200);
    const [again] = await expiry();
    expect(again).toMatchObject({ run: former.id });
    expect(again?.seconds).toBeGreaterThan(3_500);
    expect(again?.seconds).toBeLessThanOrEqual(3_600);
    // It is over, and another run has the key for the rest of its window, though that run has ended.
    await finishedRun(tenant, former);
    const second = await cancelled({ unique: { key: newName('key'), windowSeconds: 3_600 } });
    await sql`update carillon.unique_key set run_id = ${former.id}::uuid where run_id = ${second.id}::uuid`.execute(
      db,
    );
    expect(expectProblem(await act(second, 'retry'), 'already-exists')).toMatchObject({ run: former.id });
    await sql`update carillon.unique_key set expires_at = clock_timestamp() where run_id = ${former.id}::uuid`.execute(
      db,
    );
    await act(second, 'retry').expect(200);
  });

  it('comes back once, and no other of its key, of a hundred requests at once through two replicas', async () => {
    const unique = { key: newName('key') };
    const queue = await whilePaused();
    const runs = await cancelledWithKey(10, { unique, queue });
    const apis = [tenant.api, other.as(tenant.key)];
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, round) =>
        runs.map((run, index) => act(run, 'retry', apis[(round + index) % 2])),
      ).flat(),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    const states = await Promise.all(runs.map(({ id }) => readRun(tenant, id)));
    expect(states.filter(({ state }) => state === 'queued')).toHaveLength(1);
  });

  it('waits for who is taking the key, and then stays over', async () => {
    const unique = { key: newName('key') };
    const former = await cancelled({ unique });
    const client = await openClient(server.databaseUrl);
    await client.query('begin');
    const { rows } = await client.query<{ id: string }>(
      `select carillon.enqueue($1, 'echo', run_at => now() + interval '1 hour', unique_key => $2) as id`,
      [tenant.name, unique.key],
    );
    const late = act(former, 'retry').then((answer) => answer);
    const db = openDatabase(server.databaseUrl);
    await until('the request waits', async () => {
      const waits =
        await sql`select 1 from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()) and not granted`.execute(
          db,
        );
      return waits.rows.length > 0;
    });
    await client.query('commit');
    expect(expectProblem(await late, 'already-exists')).toMatchObject({ run: rows[0]?.id });
  });

  it('keeps the key when the upkeep had looked at it just before it came back', async () => {
    const unique = { key: newName('key') };
    const queue = await whilePaused();
    const former = await cancelled({ unique, queue });
    const client = await openClient(server.databaseUrl);
    const db = openDatabase(server.databaseUrl);
    await client.query('begin');
    await client.query(`select 1 from carillon.unique_key where key = $1 for update`, [unique.key]);
    // Both wait for the row. The request came first and gets it first, and what the upkeep has seen by then is over.
    const request = act(former, 'retry').then((answer) => answer);
    const waitFor = (count: number) =>
      until(`${count} wait`, async () => {
        const waits =
          await sql`select 1 from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()) and not granted`.execute(
            db,
          );
        return waits.rows.length >= count;
      });
    await waitFor(1);
    const upkeep = clearAway(db);
    await waitFor(2);
    await client.query('commit');
    expect((await request).status).toBe(200);
    await upkeep;
    const { rows } = await sql`select run_id from carillon.unique_key where key = ${unique.key}`.execute(db);
    expect(rows).toEqual([{ run_id: former.id }]);
  });
});

describe('many runs that held unique keys', () => {
  it('come back one for each key, and the others are skipped and told why', async () => {
    const tag = newName('tag');
    const queue = await whilePaused();
    const shared = await cancelledWithKey(3, { unique: { key: newName('key') }, tags: [tag], queue });
    const heldKey = newName('key');
    const [keptOut] = await cancelledWithKey(1, { unique: { key: heldKey }, tags: [tag], queue });
    const holder = await waiting({ unique: { key: heldKey } });
    const free = await cancelled({ tags: [tag], queue });
    const answer = await retryMany({ tag, state: 'cancelled' });
    expect(answer).toMatchObject({ retried: 2, skipped: 3, more: false });
    const back = shared.filter(({ id }) => !answer.skippedRuns.some((skipped) => skipped.id === id));
    expect(back).toHaveLength(1);
    expect(answer.skippedRuns).toHaveLength(3);
    for (const { id, heldBy, reason } of answer.skippedRuns) {
      expect(heldBy).toBe(id === keptOut?.id ? holder.id : back[0]?.id);
      expect(reason).toMatch(/unique key .* which run .* holds/);
    }
    expect(await readRun(tenant, free.id)).toMatchObject({ state: 'queued' });
  });

  it('do not hide those behind them that can come back, however many they are', async () => {
    const mine = await createTenant(server);
    const db = openDatabase(server.databaseUrl);
    // Far more than a batch, all of one key, and older than the one without any.
    await sql`
      insert into carillon.run_history (id, tenant_id, slot, job_type, payload, priority, run_at, attempt, created_at, outcome, finished_at, unique_key)
      select carillon.new_id(), t.id, t.slot, 'echo', '1', 0, now(), 1, now(), 'cancelled', now(), case when n < 1200 then 'one' end
        from carillon.tenant t, generate_series(1, 1200) as n where t.name = ${mine.name}`.execute(db);
    await mine.api.post(`${mine.path}/queues/default:pause`).expect(200);
    const { body } = await mine.api
      .post(`${mine.path}/runs:retry`)
      .send({ filter: { state: 'cancelled' }, expectedCount: 1_200 })
      .expect(200);
    expect(retriedRuns.parse(body)).toMatchObject({ retried: 2, skipped: 1_198, more: false });
    const shown = z.object({ skippedRuns: z.array(z.unknown()).length(100) });
    expect(shown.safeParse(body).error).toBeUndefined();
  });
});
