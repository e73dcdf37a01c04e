// On which PostgreSQL is everything measured? On one for all, where every contestant has a database of its own:
// DATABASE_URL if it is set (of a user who may create databases), else an embedded one with fsync and its defaults.
// Nothing is left of it, or of what was made on it.
import { randomBytes } from 'node:crypto';
import { DatabaseServer } from '../../chaos/database-server.js';
import { runStatement, withDatabase } from '../../support/admin-statement.js';

export interface BenchServer {
  readonly version: string;
  readonly describe: string;
  /** For files that must be reached by replicas only. */
  readonly createDatabase: (name: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

const EMBEDDED_SETTINGS = {
  shared_preload_libraries: 'pg_stat_statements',
  // So that no round pays for a checkpoint that another one has called for.
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
};

export async function openServer(given: string | undefined): Promise<BenchServer> {
  if (given !== undefined && given !== '') return onGiven(given);
  const server = await DatabaseServer.start(EMBEDDED_SETTINGS);
  return {
    version: await versionOf(server.urlOf('postgres')),
    describe: 'embedded',
    createDatabase: async (name) => prepared(await server.createDatabase(name)),
    close: () => server.remove(),
  };
}

async function onGiven(url: string): Promise<BenchServer> {
  const run = `carillon_bench_${randomBytes(4).toString('hex')}`;
  const made: string[] = [];
  return {
    version: await versionOf(url),
    describe: `given by DATABASE_URL (${new URL(url).host})`,
    createDatabase: async (name) => {
      const database = `${run}_${name}`;
      await runStatement(url, `create database ${database}`);
      made.push(database);
      return prepared(withDatabase(url, database));
    },
    close: async () => {
      for (const database of made)
        await runStatement(url, `drop database if exists ${database} with (force)`);
    },
  };
}

/** Counts statements and commits where the server can. */
async function prepared(url: string): Promise<string> {
  for (const extension of ['pg_stat_statements', 'pg_walinspect'])
    await runStatement(url, `create extension if not exists ${extension}`).catch(() => undefined);
  return url;
}

async function versionOf(url: string): Promise<string> {
  const [row] = await runStatement<{ version: string }>(
    url,
    "select current_setting('server_version') as version",
  );
  return row?.version ?? 'unknown';
}
