// Does everything work where the database and the role have settings that no one thinks of, and is what can't work
// refused by name? What depends on sessions runs on such a database in CI (the project odd-database); here is what it
// can't say.
import { randomBytes } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { inTransaction } from '#database/connection.js';
import { migrateToLatest } from '#database/migrating/migrator.js';
import { openSession } from '#database/sessions/session-connection.js';
import { sql } from 'kysely';
import { openClient, openDatabase } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';

const database = useTestDatabase();

const withSetting = async (setting: string): Promise<string> => {
  const name = new URL(database.url).pathname.slice(1);
  await (await openClient(database.url)).query(`alter database ${name} set ${setting}`);
  return database.url;
};

const session = (url: string) =>
  openSession({
    url,
    applicationName: 'test',
    deadAfterMs: 5_000,
    direct: true,
    onLost: () => undefined,
    onNotification: () => undefined,
  });

it.each([
  ["default_transaction_isolation = 'serializable'", 'default_transaction_isolation', 'read committed'],
  ["datestyle = 'German'", 'DateStyle', 'ISO, MDY'],
  ["datestyle = 'SQL, DMY'", 'DateStyle', 'ISO, MDY'],
  ["intervalstyle = 'sql_standard'", 'IntervalStyle', 'postgres'],
  ['extra_float_digits = -10', 'extra_float_digits', '1'],
  ['standard_conforming_strings = off', 'standard_conforming_strings', 'on'],
  ['array_nulls = off', 'array_nulls', 'on'],
  ["statement_timeout = '1ms'", 'statement_timeout', '20s'],
  ["lock_timeout = '1ms'", 'lock_timeout', '0'],
  ["idle_session_timeout = '1ms'", 'idle_session_timeout', '0'],
  ["client_encoding = 'LATIN1'", 'client_encoding', 'UTF8'],
  ['search_path = public, pg_catalog', 'search_path', 'pg_catalog,pg_temp'],
])('a database with %s changes nothing for sessions of ours', async (setting, name, value) => {
  const url = await withSetting(setting);
  const { rows } = await sql<{ value: string }>`select current_setting(${name}) as value`.execute(
    openDatabase(url),
  );
  expect(rows).toEqual([{ value }]);
  await (await session(url)).close();
});

it.each([
  ['default_transaction_read_only = on', 'transaction_read_only: expected off, got on'],
  ['session_replication_role = replica', 'session_replication_role: expected origin, got replica'],
])('a database with %s is refused by name', async (setting, message) => {
  const url = await withSetting(setting);
  await expect(session(url)).rejects.toThrow(message);
  await expect(migrateToLatest(url)).rejects.toThrow(message);
});

it('a database in another encoding than UTF8 is refused before anything is made in it', async () => {
  const admin = await openClient(database.url);
  const name = `latin_${randomBytes(5).toString('hex')}`;
  await admin.query(`create database ${name} encoding 'LATIN1' locale 'C' template template0`);
  onTestFinished(async () => void (await admin.query(`drop database ${name} with (force)`)));
  const url = Object.assign(new URL(database.url), { pathname: `/${name}` }).href;
  await expect(migrateToLatest(url)).rejects.toThrow(
    /server_encoding: expected UTF8, got LATIN1; .*create the database with encoding 'UTF8'/,
  );
  const { rows } = await (
    await openClient(url)
  ).query("select 1 from pg_namespace where nspname ~ '^carillon'");
  expect(rows).toEqual([]);
});

it('every transaction says its isolation, so that it holds where a pooler drops what the session says', async () => {
  const url = await withSetting("default_transaction_isolation = 'serializable'");
  const db = openDatabase(url);
  const isolation = inTransaction(db, async (tx) => {
    await sql`set session characteristics as transaction isolation level serializable`.execute(tx);
    return sql<{ value: string }>`select current_setting('transaction_isolation') as value`.execute(tx);
  });
  expect((await isolation).rows).toEqual([{ value: 'read committed' }]);
});

it('migrates as a role that may make no schemas, where an administrator has made them ahead', async () => {
  const admin = await openClient(database.url);
  const name = `ahead_${randomBytes(5).toString('hex')}`;
  await admin.query(`create database ${name}`);
  await admin.query(`create role ${name} login password 'ahead'`);
  onTestFinished(async () => {
    await admin.query(`drop database ${name} with (force)`);
    await admin.query(`drop role ${name}`);
  });
  const url = Object.assign(new URL(database.url), { pathname: `/${name}` });
  const inside = await openClient(url.href);
  for (const schema of ['carillon', 'carillon_migration', 'carillon_boss'])
    await inside.query(`create schema ${schema} authorization ${name}`);
  url.username = name;
  url.password = 'ahead';
  await migrateToLatest(url.href);
  expect((await migrateToLatest(url.href)).applied).toEqual([]);
});
