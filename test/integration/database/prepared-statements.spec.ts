// Do connections keep what they repeat, and does everything go on when that is no longer any good?
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectDatabase, type Database } from '#database/connection.js';
import { UNAWAITED } from '#database/database-client.js';
import { PreparedStatementsLostError } from '#database/prepared-statements.js';
import { useTestDatabase } from '../../support/test-database.js';

const onError = vi.fn<(error: Error) => void>();
const database = useTestDatabase();
let db: Database;

beforeEach(async () => {
  db = connect({ prepares: true });
  onError.mockReset();
  await sql`create table carillon.noted (id int primary key, note text)`.execute(db);
});

afterEach(() => db.destroy());

/** All on one connection. */
function connect(options: { prepares: boolean; walksIndexes?: boolean }): Database {
  return connectDatabase({
    url: database.url,
    applicationName: 'test',
    maxConnections: 1,
    statementTimeoutMs: 5_000,
    onError,
    ...options,
  });
}

async function notes(on: Database = db, id = 1): Promise<object[]> {
  const { rows } = await sql<object>`select * from carillon.noted where id = ${id}`.execute(on);
  return rows;
}

async function repeat(on: Database = db): Promise<void> {
  for (let times = 0; times < 10; times += 1) await notes(on);
}

async function prepared(on: Database = db) {
  const { rows } = await sql<{ statement: string; generic: number; custom: number }>`
    select statement, generic_plans as generic, custom_plans as custom from pg_prepared_statements`.execute(
    on,
  );
  return rows;
}

const read = 'select * from carillon.noted where id = $1';

describe('a statement that a connection repeats', () => {
  it('is prepared, and planned anew for a few times at most', async () => {
    await repeat();
    expect(await prepared()).toEqual([
      { statement: read, generic: expect.any(Number), custom: expect.any(Number) },
    ]);
    for (let times = 0; times < 10; times += 1) await notes();
    const [kept] = await prepared();
    expect(kept?.custom).toBeLessThanOrEqual(5);
    expect(kept?.generic).toBeGreaterThanOrEqual(10);
  });

  it('has one plan from the first on where claims are made', async () => {
    const work = connect({ prepares: true, walksIndexes: true });
    await repeat(work);
    expect(await prepared(work)).toEqual([{ statement: read, generic: 8, custom: 0 }]);
    await work.destroy();
  });

  it('is not prepared where that is not wanted', async () => {
    const plain = connect({ prepares: false, walksIndexes: true });
    await repeat(plain);
    expect(await prepared(plain)).toEqual([]);
    await plain.destroy();
  });
});

describe('a table that a migration changes under a running replica', () => {
  const migrate = () =>
    sql`alter table carillon.noted add column at timestamptz, alter column note type int using 1`;

  it('goes unnoticed by single statements', async () => {
    await sql`insert into carillon.noted values (1, 'x')`.execute(db);
    await repeat();
    expect(await notes()).toEqual([{ id: 1, note: 'x' }]);
    await migrate().execute(db);
    expect(await notes()).toEqual([{ id: 1, note: 1, at: null }]);
    await repeat();
    expect(await prepared()).toHaveLength(2); // the old one is forgotten with its connection
  });

  it('fails one transaction, which can be tried again', async () => {
    await sql`insert into carillon.noted values (1, 'x')`.execute(db);
    await repeat();
    await migrate().execute(db);
    const act = () =>
      db.transaction().execute(async (tx) => {
        await sql`insert into carillon.noted values (2, 2)`.execute(tx);
        return notes(tx);
      });
    await expect(act()).rejects.toMatchObject({ code: '0A000' });
    expect(await notes(db, 2)).toEqual([]);
    expect(await act()).toEqual([{ id: 1, note: 1, at: null }]);
  });

  it('is no other statement for those whose columns stay', async () => {
    const ids = () => sql`select id from carillon.noted where id > ${0}`.execute(db);
    for (let times = 0; times < 10; times += 1) await ids();
    await migrate().execute(db);
    await sql`insert into carillon.noted (id) values (3)`.execute(db);
    expect((await ids()).rows).toEqual([{ id: 3 }]);
    expect(await prepared()).toHaveLength(1);
  });
});

describe('a session that is no longer the one that prepared', () => {
  it('is told once, and served without names from then on', async () => {
    await repeat();
    await sql`deallocate all`.execute(db);
    expect(await notes()).toEqual([]);
    await repeat();
    expect(await prepared()).toEqual([]);
    expect(onError.mock.calls).toEqual([[expect.any(PreparedStatementsLostError)]]);
  });
});

describe('a statement that nobody waits for', () => {
  const write = (tx: Database, id: number) => sql`insert into carillon.noted values (${id}, 'x')`.execute(tx);
  const unawaited = (tx: Database, act: string) =>
    sql`select ${sql.raw(UNAWAITED)} ${sql.raw(act)}`.execute(tx);

  it('has taken effect when the next one has its answer', async () => {
    const held = await db.transaction().execute(async (tx) => {
      await unawaited(tx, 'pg_advisory_xact_lock_shared(1, 2)');
      const { rows } =
        await sql`select mode from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()) and locktype = 'advisory' and pid = pg_backend_pid()`.execute(
          tx,
        );
      return rows;
    });
    expect(held).toEqual([{ mode: 'ShareLock' }]);
  });

  it('fails the next one with what went wrong, and with it the transaction', async () => {
    const act = db.transaction().execute(async (tx) => {
      await write(tx, 1);
      await unawaited(tx, '1 / 0');
      await notes(tx);
    });
    await expect(act).rejects.toMatchObject({ code: '22012' });
    expect(await notes()).toEqual([]);
  });

  it('is waited for by a statement that writes', async () => {
    const act = db.connection().execute(async (alone) => {
      await sql.raw('start transaction isolation level read committed nonsense').execute(alone);
      await unawaited(alone, 'pg_advisory_xact_lock_shared(1, 2)');
      await write(alone, 1);
    });
    await expect(act).rejects.toMatchObject({ code: '42601' });
    expect(await notes()).toEqual([]);
  });

  it('fails the commit if nothing comes after it', async () => {
    const act = db.transaction().execute(async (tx) => {
      await write(tx, 1);
      await unawaited(tx, '1 / 0');
    });
    await expect(act).rejects.toMatchObject({ code: '22012' });
    expect(await notes()).toEqual([]);
  });

  it('is forgotten when the transaction is rolled back', async () => {
    const act = db.transaction().execute(async (tx) => {
      await unawaited(tx, '1 / 0');
      throw new Error('something else');
    });
    await expect(act).rejects.toThrow('something else');
    expect(await notes()).toEqual([]);
  });
});

it('writes nothing when the transaction could not begin', async () => {
  await repeat();
  const impossible = 'start transaction isolation level read committed';
  const act = db.connection().execute(async (alone) => {
    await sql.raw(`${impossible} nonsense`).execute(alone);
    await sql`insert into carillon.noted values (1, 'x')`.execute(alone);
  });
  await expect(act).rejects.toMatchObject({ code: '42601' });
  expect(await notes()).toEqual([]);
});
