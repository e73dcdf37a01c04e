// What becomes of connections to a server that is a primary no longer? They are thrown away, so that the next ones lead to
// the new primary. A database that is set to read only refuses writes by the same code as a standby.
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { connectDatabase, type Database } from '#database/connection.js';
import { databaseErrorKind } from '#database/error-kind.js';
import { createTestDatabase } from '../support/test-database.js';

let db: Database;
let url: string;
beforeEach(async () => {
  const database = await createTestDatabase();
  ({ url } = database);
  db = connectDatabase({
    url,
    applicationName: 'test',
    maxConnections: 1,
    statementTimeoutMs: 5_000,
    onError: () => undefined,
  });
  return async () => {
    await db.destroy();
    await database.drop();
  };
});

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
