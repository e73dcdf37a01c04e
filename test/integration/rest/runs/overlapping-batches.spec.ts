// Do batches that want the same unique keys at the same moment, each in its own order, all get an answer soon? Keys that
// another request is just changing are read anew, one by one, when it lets go of them: that must not cost the square of
// their number. And where another one holds on to a key, the answer says so before the database's patience ends.
import { describe, expect, it } from 'vitest';
import { connectDatabase, inTransaction } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { insertKeys, lockKeys } from '#execution/intake/unique-key.repository.js';
import { asId } from '#kernel/ids.js';
import { batchResult } from '#server/http/runs/run-batch.shapes.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { openClient } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import { newName, secondsFromNow, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const other = useTestServer({ beside: server, env: { CARILLON_NAME: 'other' } });
const tenant = useTenant(server);

const keysOf = (count: number): string[] => {
  const prefix = newName('order');
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
};

const WAITING = `select 1 from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock' and query like '%carillon.unique_key%'`;

describe('batches with the same keys in another order', () => {
  const post = (keys: readonly string[], api: typeof tenant.api) =>
    api.post(`${tenant.path}/runs:batchCreate`).send({
      runs: keys.map((key) => ({ jobType: 'noop', runAt: secondsFromNow(3_600), unique: { key } })),
    });

  it('make one run of each key, through two replicas, also where the keys were held before', async () => {
    const keys = keysOf(5_000);
    const client = await openClient(server.databaseUrl);
    for (const round of ['free', 'of runs that are gone']) {
      const answers = await Promise.all([
        post(keys, tenant.api),
        post(keys.toReversed(), other.as(tenant.key)),
      ]);
      expect(
        answers.map(({ status }) => status),
        round,
      ).toEqual([200, 200]);
      const created = answers.map(({ body }) => batchResult.parse(body).created);
      expect(created.toSorted((a, b) => a - b)).toEqual([0, keys.length]);
      await client.query('delete from carillon.run');
    }
  });

  it('are told soon that another request holds a key', async () => {
    const [key = ''] = keysOf(1);
    const client = await openClient(server.databaseUrl);
    await client.query('begin');
    await client.query(
      `insert into carillon.unique_key (tenant_id, key, run_id)
       select id, $1, gen_random_uuid() from carillon.tenant where name = $2`,
      [key, tenant.name],
    );
    const batch = await post([key], tenant.api);
    expectProblem(batch, 'request-in-progress');
    expect(batch.headers['retry-after']).toMatch(/^\d+$/);
    const single = tenant.api.post(`${tenant.path}/runs`).send({ jobType: 'noop', unique: { key } });
    expectProblem(await single, 'request-in-progress');
    await client.query('rollback');
    expect(await post([key], tenant.api)).toMatchObject({ status: 200, body: { created: 1 } });
  });
});

const WAITING_LONG = `select 1 from pg_stat_activity join pg_locks using (pid)
  where datname = current_database() and not granted and waitstart < clock_timestamp() - interval '1.5 s'`;

describe('a batch whose keys are held one after the other', () => {
  it('is told so after the wait for one, not after the sum of all', async () => {
    const keys = keysOf(7);
    const runs = keys.map((key) => ({ jobType: 'noop', runAt: secondsFromNow(3_600), unique: { key } }));
    await tenant.api.post(`${tenant.path}/runs:batchCreate`).send({ runs }).expect(200);
    const holders = await Promise.all(keys.map(() => openClient(server.databaseUrl)));
    for (const [place, key] of keys.entries()) {
      await holders[place]?.query('begin');
      await holders[place]?.query('select from carillon.unique_key where key = $1 for update', [key]);
    }
    let isAnswered = false;
    const answer = tenant.api
      .post(`${tenant.path}/runs:batchCreate`)
      .send({ runs })
      .then((response) => {
        isAnswered = true;
        return response;
      });
    const watch = await openClient(server.databaseUrl);
    let waitedFor = 0;
    for (const holder of holders) {
      await until(
        'it waits long or is answered',
        async () => isAnswered || (await watch.query(WAITING_LONG)).rowCount === 1,
      );
      if (!isAnswered) waitedFor += 1;
      await holder.query('rollback');
    }
    expectProblem(await answer, 'request-in-progress');
    expect(waitedFor).toBeLessThan(4);
  });
});

describe('locking keys that another transaction changes', () => {
  it('costs the same for each of them, however many there are', async () => {
    const db = connectDatabase({
      url: server.databaseUrl,
      applicationName: 'test',
      maxConnections: 1,
      statementTimeoutMs: 4_000, // each key compared with all of them takes longer
      walksIndexes: true,
      prepares: true, // with a plan for any number of keys, as a replica has it before long
      onError: () => undefined,
    });
    const tenantId = asId.tenant(randomUUIDv7());
    const keys = keysOf(20_000);
    const client = await openClient(server.databaseUrl);
    try {
      await inTransaction(db, (tx) =>
        insertKeys(tx, {
          tenantId,
          keys: keys.map((key) => ({ key, runId: asId.run(randomUUIDv7()), windowMs: null })),
        }),
      );
      await client.query('begin');
      await client.query('update carillon.unique_key set run_id = gen_random_uuid() where tenant_id = $1', [
        tenantId,
      ]);
      const locking = inTransaction(db, (tx) => lockKeys(tx, { tenantId, keys }));
      const watch = await openClient(server.databaseUrl);
      await until('it waits', async () => (await watch.query(WAITING)).rowCount === 1);
      await client.query('commit');
      const held = await locking;
      expect(held.map(({ key }) => key)).toEqual(keys.toSorted());
    } finally {
      await db.destroy();
    }
  });
});
