// How does a database get its tables? By the numbered .sql files in migrations/, in order, each once,
// run by Kysely's Migrator, which holds a lock so that replicas starting together do it one at a time.
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import { existsSync } from 'node:fs';
import { connectDatabase, type Database } from './connection.js';
import { refuseUnfitSession } from './session-fitness.js';

const LEDGER_SCHEMA = 'carillon_migration';

/** Brings the database to the newest version. Safe to call from many processes at once. Throws UnfitSessionError. */
export async function migrateToLatest(url: string): Promise<{ applied: string[] }> {
  const db = connectForMigration(url);
  try {
    await refuseUnfitSession(db);
    const { error, results } = await migratorOf(db).migrateToLatest();
    if (error !== undefined) throw error;
    return { applied: (results ?? []).map((result) => result.migrationName) };
  } finally {
    await db.destroy();
  }
}

/** Those that this program has and the database has not. Changes nothing. */
export async function pendingMigrations(db: Database): Promise<string[]> {
  const known = await migratorOf(db).getMigrations();
  return known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name);
}

function connectForMigration(url: string): Database {
  return connectDatabase({
    url,
    applicationName: 'carillon-migrate',
    maxConnections: 1,
    statementTimeoutMs: 600_000,
    onError: () => undefined, // the running statement reports the same break
  });
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
