// Does a start through a pooler in transaction mode leave anything behind that the next one waits for? Nothing may stay
// with a session that the next client gets. And does a start that has to wait say for what?
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrateToLatest, pendingMigrations } from '#database/migrating/migrator.js';
import { runStatement } from '../../support/admin-statement.js';
import { useTestDatabase } from '../../support/test-database.js';
import { openClient } from '../../support/rows.js';
import { startTransactionPooler, type TransactionPooler } from '../../support/transaction-pooler.js';
import { until } from '../../support/until.js';

/** Kysely's, which earlier versions took by session. */
const LOCK = '3853314791062309107';
const advisoryLocks = `select pid from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`;

const database = useTestDatabase();
let pooler: TransactionPooler;
beforeEach(async () => {
  pooler = await startTransactionPooler(database.url, { size: 3 });
});
afterEach(() => pooler.close());

/** As if the last two had not been there yet. */
const forget = () =>
  runStatement(
    database.url,
    `drop schema if exists carillon cascade; drop schema if exists carillon_boss cascade; drop schema carillon_migration cascade`,
  );

describe('through a pooler in transaction mode', () => {
  it('the pooler of this test keeps what a client has left on a session, as PgBouncer does', async () => {
    const first = await openClient(pooler.url);
    await first.query(`select pg_advisory_lock(${LOCK})`);
    await first.end();
    expect(await runStatement(database.url, advisoryLocks)).toHaveLength(1);
  });

  // Four whole migrations' worth of waiting: 1 to 2 s alone, 9 s were measured beside a dozen busy processes.
  it(
    'starts one after the other and at once bring the database up to date, and leave no lock',
    { timeout: 120_000 },
    async () => {
      await forget();
      const applied = await Promise.all(Array.from({ length: 4 }, () => migrateToLatest(pooler.url)));
      expect(applied.filter((each) => each.applied.length > 0)).toHaveLength(1);
      expect(await migrateToLatest(pooler.url)).toEqual({ applied: [] });
      expect(await runStatement(database.url, advisoryLocks)).toEqual([]);
      expect(await pendingMigrations(database.db)).toEqual([]);
    },
  );

  it('a migration that fails leaves no lock either', async () => {
    await forget();
    await runStatement(database.url, 'create schema carillon; create table carillon.replica (id int)');
    await expect(migrateToLatest(pooler.url)).rejects.toThrow(/already exists/);
    expect(await runStatement(database.url, advisoryLocks)).toEqual([]);
  });
});

describe('a start while another session holds the lock of the migrations', () => {
  it('waits for nothing when there is nothing to migrate', async () => {
    const holder = await openClient(database.url);
    await holder.query(`select pg_advisory_lock(${LOCK})`);
    expect(await migrateToLatest(pooler.url)).toEqual({ applied: [] });
  });

  it('says who has it and goes on when it is free', async () => {
    await forget();
    const holder = await openClient(database.url);
    const { rows } = await holder.query<{ pid: number }>(
      `select pg_backend_pid() as pid, pg_advisory_lock(${LOCK})`,
    );
    const reasons: string[] = [];
    const migrating = migrateToLatest(pooler.url, { onWait: (reason) => reasons.push(reason) });
    await until('it says what it waits for', () => reasons.length > 0);
    expect(reasons[0]).toMatch(
      new RegExp(`session ${rows[0]?.pid} .*idle.*pg_terminate_backend\\(${rows[0]?.pid}\\)`),
    );
    await holder.end();
    expect((await migrating).applied.length).toBeGreaterThan(0);
  });
});
