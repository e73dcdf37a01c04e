// Which database is used? That of DATABASE_URL, or an embedded PostgreSQL of our own with a database `carillon` in
// it. Either way it is migrated here, once, before any replica starts. A database that can't be reached is reported
// in one line.
import pg from 'pg';
import { problemOfDatabaseUrl } from '#database/database-url.js';
import { migrateToLatest } from '#database/migrating/migrator.js';
import { settleTls } from '#database/tls-offer.js';
import { CliError } from '../../cli-error.js';
import type { DataFolder } from './data-folder.js';
import { EmbeddedDatabase } from './embedded-database.js';
import type { Shutdown } from '../processes/shutdown.js';

export interface DatabaseOrder {
  readonly givenUrl: string | undefined;
  readonly folder: DataFolder;
  readonly wantedPort: number | undefined;
  readonly shutdown: Shutdown;
  readonly say: (line: string) => void;
}

const NAME = 'carillon';

/** Undefined when none was given; a shell unsets a variable by an empty text. */
export function givenDatabaseUrl(environment: NodeJS.ProcessEnv): string | undefined {
  const url = environment['DATABASE_URL'] ?? '';
  if (url === '') return undefined;
  const problem = problemOfDatabaseUrl(url);
  if (problem === null) return url;
  throw new CliError(`DATABASE_URL: ${problem}, got ${url.length} characters (not shown)`, 2);
}

/** Resolves with the URL of a migrated database. */
export async function prepareDatabase(order: DatabaseOrder): Promise<string> {
  const given = order.givenUrl ?? (await startOwn(order));
  const { url, applied } = await migrated(given, order.say).catch((error: unknown) => {
    throw new CliError(
      `expected a PostgreSQL database at ${withoutPassword(given)}, got: ${reasonOf(error)}`,
    );
  });
  const migrations = applied.length === 0 ? 'is up to date' : `got ${applied.length} migrations`;
  order.say(`database ${order.givenUrl === undefined ? NAME : withoutPassword(url)} ${migrations}`);
  return url;
}

async function migrated(
  given: string,
  say: (line: string) => void,
): Promise<{ url: string; applied: string[] }> {
  const url = await settleTls(given);
  const onWait = (reason: string): void => say(`waiting to migrate: ${reason}`);
  return { url, ...(await migrateToLatest(url, { onWait })) };
}

async function startOwn({ folder, wantedPort, shutdown, say }: DatabaseOrder): Promise<string> {
  const server = new EmbeddedDatabase({ folder, wantedPort, say, onLost: (error) => shutdown.fail(error) });
  shutdown.add(server);
  const adminUrl = await server.start();
  await createDatabase(adminUrl);
  return Object.assign(new URL(adminUrl), { pathname: `/${NAME}` }).href;
}

async function createDatabase(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  client.on('error', () => undefined); // the statement reports the same break
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [NAME]);
    if (rowCount === 0) await client.query(`create database ${NAME}`);
  } finally {
    await client.end();
  }
}

function withoutPassword(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

/** A refused connection to `localhost` is an AggregateError without a message of its own. */
function reasonOf(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  return inner instanceof Error ? inner.message : String(inner);
}
