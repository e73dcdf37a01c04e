// How does a database get its tables? By the numbered .sql files in migrations/, in order, each once, run by Kysely's
// Migrator, all missing ones in one transaction. Whether any is missing is checked first without a lock, so that a
// start with nothing to do waits for nothing. The lock belongs to the transaction, under Kysely's own key, so it also
// works through a pooler, whose sessions would keep a session's lock after its holder is gone. Replicas of a version
// that still takes it by session are held off all the same. A start that waits for it says which session holds it.
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PostgresAdapter, PostgresDialect, sql } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import { existsSync } from 'node:fs';
import { databaseOver, inTransaction, openPool, type Database, type Tx } from '#database/connection.js';
import { isLockTimeout } from '#database/error-kind.js';
import * as lock from './migration-lock.repository.js';
import { refuseUnfitSession } from '#database/sessions/session-fitness.js';

const LEDGER_SCHEMA = 'carillon_migration';
/** How often a start that waits says so. The server does the waiting. */
const WAIT_MS = 3_000;

export interface MigrationOptions {
  /** Called every few seconds with the reason why the migrations can't begin. */
  onWait?: (reason: string) => void;
}

/** Brings the database to the newest version. Safe to call from many processes at once. Throws UnfitSessionError. */
export async function migrateToLatest(
  url: string,
  { onWait = () => undefined }: MigrationOptions = {},
): Promise<{ applied: string[] }> {
  const db = connectForMigration(url);
  try {
    await refuseUnfitSession(db);
    for (;;) {
      if ((await pendingMigrations(db)).length === 0) return { applied: [] };
      const tried = await tryToMigrate(db);
      if (tried.kind === 'migrated') return { applied: tried.applied };
      onWait(tried.reason);
    }
  } finally {
    await db.destroy();
  }
}

/** The migrations that this program has and the database has not. Changes nothing. */
export async function pendingMigrations(db: Database): Promise<string[]> {
  const known = await migratorOf(db).getMigrations();
  return known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name);
}

type Tried = { kind: 'migrated'; applied: string[] } | { kind: 'waits'; reason: string };

async function tryToMigrate(db: Database): Promise<Tried> {
  const stage = { isLocked: false };
  try {
    return await inTransaction(db, async (tx) => {
      await lock.lockMigrations(tx, WAIT_MS);
      stage.isLocked = true;
      return { kind: 'migrated', applied: await migrate(tx) };
    });
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    const reason = stage.isLocked
      ? `a table is in use: ${(error as Error).message}` // a lock timeout is the server's word
      : describe(await lock.migrationLockHolder(db));
    return { kind: 'waits', reason };
  }
}

async function migrate(tx: Tx): Promise<string[]> {
  const { error, results } = await migratorOf(tx).migrateToLatest();
  if (error !== undefined) throw error;
  return (results ?? []).map((result) => result.migrationName);
}

function describe(holder: lock.LockHolder | null): string {
  if (holder === null) return 'another session held the lock of the migrations a moment ago';
  const { pid, applicationName, state, sinceSeconds } = holder;
  const what = `session ${pid} (${JSON.stringify(applicationName)}, ${state ?? 'state unknown'} for ${sinceSeconds} s)`;
  return (
    `${what} holds the lock of the migrations; if nothing is being migrated there (a pooler keeps the lock of a client that ` +
    `is gone), end it: select pg_terminate_backend(${pid})`
  );
}

function connectForMigration(url: string): Database {
  const pool = openPool({
    url,
    applicationName: 'carillon-migrate',
    maxConnections: 1,
    statementTimeoutMs: 600_000,
    onError: () => undefined, // the running statement reports the same break
  });
  return databaseOver(pool, new LockedDialect({ pool }));
}

class LockedDialect extends PostgresDialect {
  override createAdapter(): PostgresAdapter {
    return new LockedAdapter();
  }
}

/**
 * This transaction has the lock already. Kysely's own would be the session's, and stay with it when a migration fails.
 */
class LockedAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}

  override async releaseMigrationLock(): Promise<void> {}
}

function migratorOf(db: Database): Migrator {
  // Without our plugins: Kysely's own bookkeeping must not be moved into our schema.
  return new Migrator({
    db: db.withoutPlugins(),
    migrationTableSchema: LEDGER_SCHEMA,
    provider: { getMigrations: readMigrations },
  });
}

async function readMigrations(): Promise<Record<string, Migration>> {
  const folder = join(packageRoot(), 'migrations');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).toSorted();
  const entries = files.map(async (file): Promise<[string, Migration]> => {
    const statements = await readFile(join(folder, file), 'utf8');
    return [file.replace(/\.sql$/, ''), { up: (db) => runStatements(db as Database, statements) }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function runStatements(db: Database, statements: string): Promise<void> {
  // A migration that can't get its lock soon gives up whole, instead of queueing every other session behind it.
  await sql`set local lock_timeout = '5s'`.execute(db);
  await sql.raw(statements).execute(db);
}

/** The folder with package.json above this file, from the sources as well as from dist/. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'migrations'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('expected a folder "migrations" above the program, found none');
    folder = parent;
  }
  return folder;
}
