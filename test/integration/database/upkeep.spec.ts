// Is the house kept when its jobs run? A job of each kind waits in pg-boss when a replica starts, which works it off as it
// does every hour: in a schema of its own, beside a pg-boss of the users' that it leaves alone.
import { randomUUID } from 'node:crypto';
import { PgBoss } from 'pg-boss';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '#server/settings/config.js';
import { runStatement } from '../../support/admin-statement.js';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.js';
import { startTestServer, type TestServer } from '../../support/test-server.js';
import { createTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const QUEUES = ['carillon-partitions', 'carillon-enqueue-upkeep'];
const ended = (tenantId: string, daysAgo: number): string =>
  `insert into carillon.run_history (id, tenant_id, slot, job_type, payload, priority, run_at, attempt, created_at, outcome, finished_at)
   values ('${randomUUID()}', '${tenantId}', 0, 'noop', '{}', 0, now(), 1, now(), 'succeeded', now() - interval '${daysAgo} days')`;
const operation = (tenantId: string, daysAgo: number): string =>
  `insert into carillon.operation (id, tenant_id, kind, target, state, input, items, ended_at)
   values ('${randomUUID()}', '${tenantId}', 'backfill', '${daysAgo} days ago', 'succeeded', '{}', '{}', now() - interval '${daysAgo} days')`;

let database: TestDatabase;
let server: TestServer;

beforeAll(async () => {
  database = await createTestDatabase();
  // What an earlier version has left beside the users' own queue.
  await withUsersBoss(async (boss) => {
    await boss.createQueue('invoices');
    await boss.schedule('invoices', '0 0 1 1 *');
    await boss.send('invoices', { order: 1 });
    for (const queue of QUEUES) {
      await boss.createQueue(queue);
      await boss.schedule(queue, '7 * * * *');
      await boss.send(queue, {});
    }
  });
  server = await startTestServer({ databaseUrl: database.url });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

async function withUsersBoss(act: (boss: PgBoss) => Promise<void>): Promise<void> {
  const boss = new PgBoss({ connectionString: database.url, supervise: false, schedule: false });
  boss.on('error', () => undefined);
  await boss.start();
  try {
    await act(boss);
  } finally {
    await boss.stop({ graceful: false });
  }
}

const names = async (table: string): Promise<string[]> =>
  (await runStatement<{ name: string }>(database.url, `select name from ${table} order by name`)).map(
    ({ name }) => name,
  );

describe('the upkeep of a replica', () => {
  it('works its jobs off: what tenants keep no longer and keys that are over go, days are made', async () => {
    await createTenant(server);
    const [tenant = { id: 'none' }] = await runStatement<{ id: string }>(
      database.url,
      'select id from carillon.tenant',
    );
    await runStatement(
      database.url,
      `update carillon.tenant set retention_days = 2 where id = '${tenant.id}';
       ${ended(tenant.id, 3)}; ${ended(tenant.id, 1)};
       insert into carillon.unique_key (tenant_id, key, run_id, expires_at)
       values ('${tenant.id}', 'over', '${randomUUID()}', now() - interval '1 hour');
       ${operation(tenant.id, 31)}; ${operation(tenant.id, 29)}`,
    );
    // A replica that starts looks for jobs at once, and then each minute.
    await runStatement(
      database.url,
      `insert into carillon_boss.job (name, policy) select name, policy from carillon_boss.queue where name like 'carillon-%'`,
    );
    await server.stop();
    server = await startTestServer({ databaseUrl: database.url });
    await until('all jobs are done', async () => {
      const left = await runStatement(
        database.url,
        `select 1 from carillon_boss.job where name like 'carillon-%' and state <> 'completed'`,
      );
      return left.length === 0;
    });
    const kept = await runStatement(
      database.url,
      `select 1 from carillon.run_history where tenant_id = '${tenant.id}'`,
    );
    expect(kept).toHaveLength(1);
    expect(await runStatement(database.url, 'select 1 from carillon.unique_key')).toEqual([]);
    const operations = await runStatement(database.url, 'select target from carillon.operation');
    expect(operations).toEqual([{ target: '29 days ago' }]);
    const days = await runStatement<{ name: string }>(
      database.url,
      `select relname as name from pg_class where relname ~ '^run_log_\\d{4}_\\d{2}_\\d{2}$'`,
    );
    expect(days.length).toBeGreaterThanOrEqual(8);
  });

  it("leaves the users' pg-boss alone, and takes its own former queues out of it", async () => {
    await until('its former queues are gone', async () => (await names('pgboss.queue')).length === 1);
    expect(await names('pgboss.queue')).toEqual(['invoices']);
    expect(await names('pgboss.schedule')).toEqual(['invoices']);
    expect(await names('pgboss.job')).toEqual(['invoices']);
    expect(await names('carillon_boss.schedule')).toEqual(QUEUES.toSorted());
  });

  it('gives its jobs time until the next one', async () => {
    const rows = await runStatement<{ seconds: number }>(
      database.url,
      `select expire_seconds as seconds from carillon_boss.queue where name like 'carillon-%' and policy = 'singleton'`,
    );
    expect(rows).toEqual([{ seconds: 3_500 }, { seconds: 3_500 }]);
  });

  it('shares its schema with no other pg-boss', () => {
    const read = () => readConfig({ DATABASE_URL: 'postgres://h/d', CARILLON_QUEUE_SCHEMA: 'carillon_boss' });
    expect(read).toThrow(/CARILLON_QUEUE_SCHEMA: expected a schema of your own/);
  });
});
