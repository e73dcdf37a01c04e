// What becomes of connections to a server that is a primary no longer? They are thrown away, so that the next ones lead to
// the new primary. A database that is set to read only refuses writes by the same code as a standby.
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Database } from '#database/connection.js';
import { databaseErrorKind } from '#database/error-kind.js';
import { runStatement, withDatabase } from '../../support/admin-statement.js';
import { startDatabaseProxy } from '../../support/database-proxy.js';
import { expectProblem } from '../../support/expect-problem.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startTestServer } from '../../support/test-server.js';
import { until } from '../../support/until.js';

const database = useTestDatabase({ maxConnections: 1 });
const { db } = database;

const demote = () => sql`set default_transaction_read_only = on`.execute(db);
const insert = (on: Database) =>
  sql`insert into carillon.cluster_event (type, data) values ('x', '{}')`.execute(on);

async function backend(): Promise<number | undefined> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  return rows[0]?.pid;
}

describe('a connection that can only read any more', () => {
  it('is thrown away after a write was refused', async () => {
    const before = await backend();
    await demote();
    await expect(insert(db)).rejects.toSatisfy((error) => databaseErrorKind(error) === 'lost');
    expect(await backend()).not.toBe(before);
    await insert(db);
  });

  it('is thrown away once its transaction is rolled back, whose reason is told', async () => {
    const before = await backend();
    await demote();
    const writing = db.transaction().execute((tx) => insert(tx));
    await expect(writing).rejects.toMatchObject({ code: '25006' });
    expect(await backend()).not.toBe(before);
  });

  it('is never lent to one who waits for it', async () => {
    await demote();
    const [first, second] = await Promise.allSettled([insert(db), insert(db)]);
    expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
  });

  it('is kept after any other refusal', async () => {
    const before = await backend();
    await expect(sql`select 1 / 0`.execute(db)).rejects.toMatchObject({ code: '22012' });
    expect(await backend()).toBe(before);
  });
});

describe('the API of a replica that reaches only a former primary', () => {
  it('answers its reads with 503, as it would not find what others have acknowledged', async () => {
    const server = await startTestServer({ databaseUrl: database.url });
    const name = new URL(database.url).pathname.slice(1);
    const path = `/api/v1/tenants/nobody/runs/${randomUUID()}`;
    expectProblem(await server.admin.get(path), 'not-found');
    await runStatement(database.url, `alter database ${name} set default_transaction_read_only = on`);
    await runStatement(
      database.url,
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name ~ '^carillon' and pid <> pg_backend_pid()`,
    );
    await until('it refuses', async () => (await server.admin.get(path)).status === 503);
    expectProblem(await server.admin.get(path), 'database-unavailable');
    await runStatement(
      withDatabase(database.url, 'postgres'),
      `alter database ${name} reset default_transaction_read_only`,
    );
    await until('it answers again', async () => (await server.admin.get(path)).status === 404);
    await server.stop();
  });
});

describe('a replica that has lost touch with the cluster', () => {
  it('refuses reads as its readiness does, and goes on when it is a member again', async () => {
    const proxy = await startDatabaseProxy(database.url);
    const env = {
      DATABASE_SESSION_URL: proxy.url,
      CARILLON_HEARTBEAT_MS: '200',
      CARILLON_DEAD_AFTER_MS: '1000',
    };
    const server = await startTestServer({ databaseUrl: database.url, env });
    await proxy.cut();
    await until('it is not ready', async () => (await server.anonymous.get('/healthz/ready')).status === 503);
    const response = await server.admin.get('/api/v1/tenants');
    expectProblem(response, 'database-unavailable');
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    await server.anonymous.get('/healthz/live').expect(200);
    await server.admin.post('/api/v1/tenants').send({ name: 'written' }).expect(201);
    await proxy.mend();
    await until('it reads again', async () => (await server.admin.get('/api/v1/tenants')).status === 200);
    await server.stop();
    await proxy.cut();
  });
});
