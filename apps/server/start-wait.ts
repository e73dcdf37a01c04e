// A replica that starts before its database waits for it, without a limit, and reports every few seconds the host and
// the reason: a deployment starts its parts in any order. It does not wait where waiting can't help: for a refused
// login, a missing database, an untrusted certificate, a pooler that breaks sessions. There are no loops yet, so this
// file makes its own pauses.
import { setTimeout as rest } from 'node:timers/promises';
import { connectDatabase } from '#database/connection.js';
import { databaseErrorKind, isDatabaseError } from '#database/error-kind.js';
import { settleTls } from '#database/tls-offer.js';
import { sql } from 'kysely';
import { ConfigError } from '#kernel/errors.js';
import type { ServerConfig } from './settings/config.js';

const TRIED_EVERY_MS = 1_000;
const SAID_EVERY_MS = 5_000;

type Setting = 'DATABASE_URL' | 'DATABASE_SESSION_URL';

/** SQLSTATEs that persist until a setting here or on the server is changed, with the remedy. */
const FOR_GOOD: Readonly<Record<string, string>> = {
  '28P01': 'give the right password',
  '28000': 'let this user in from here (pg_hba.conf), or give another user',
  '3D000': 'create it, or name another database',
  '42501': 'grant the right to connect',
};

/** Throws ConfigError where waiting can't help, and an AbortError; passes other errors of the start on. */
export async function startOnceDatabaseAnswers<Started>(
  config: ServerConfig,
  say: (line: string) => void,
  start: (settled: ServerConfig) => Promise<Started>,
  signal?: AbortSignal,
): Promise<Started> {
  for (;;) {
    const settled = await untilDatabaseAnswers(config, say, signal);
    try {
      return await start(settled);
    } catch (error) {
      // A setting, or a module of handlers: its message may read like one of the database's.
      if (error instanceof ConfigError) throw error;
      // The database answered a moment ago: it may be starting, stopping, or full.
      if (!isDatabaseError(error) || databaseErrorKind(error) === 'rejected') throw error;
      say(`the database went away during the start: ${reasonOf(error)}; trying again`);
    }
    await rest(TRIED_EVERY_MS, undefined, { signal });
  }
}

/** Resolves once the database admits this replica by each of its URLs, with the settings to use. */
async function untilDatabaseAnswers(
  config: ServerConfig,
  say: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<ServerConfig> {
  const ask = (setting: Setting, url: string): Promise<string> =>
    untilAnswered(setting, url, { say, signal });
  const DATABASE_URL = await ask('DATABASE_URL', config.DATABASE_URL);
  if (config.DATABASE_SESSION_URL === undefined) return { ...config, DATABASE_URL };
  const sessionUrl = await ask('DATABASE_SESSION_URL', config.DATABASE_SESSION_URL);
  return { ...config, DATABASE_URL, DATABASE_SESSION_URL: sessionUrl };
}

async function untilAnswered(
  setting: Setting,
  given: string,
  { say, signal }: { say: (line: string) => void; signal: AbortSignal | undefined },
): Promise<string> {
  for (let tried = 0; ; tried += 1) {
    try {
      const url = await settleTls(given);
      await enter(url);
      return url;
    } catch (error) {
      const refusal = refusalForGood(error);
      const where = `${setting} (${placeOf(given)})`;
      if (refusal !== null) throw new ConfigError(`${where}: ${refusal}`);
      if ((tried * TRIED_EVERY_MS) % SAID_EVERY_MS === 0)
        say(`waiting for the database, ${where}: ${reasonOf(error)}; trying until it answers`);
    }
    await rest(TRIED_EVERY_MS, undefined, { signal });
  }
}

async function enter(url: string): Promise<void> {
  const db = connectDatabase({
    url,
    applicationName: 'carillon-start',
    maxConnections: 1,
    statementTimeoutMs: 5_000,
    onError: () => undefined, // the statement reports the same break
  });
  try {
    await sql`select 1`.execute(db);
  } finally {
    await db.destroy();
  }
}

function refusalForGood(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const remedy = FOR_GOOD[code];
  if (remedy !== undefined) return `expected to be let in, got: ${reasonOf(error)} (${code}); ${remedy}`;
  if (isDatabaseError(error) && databaseErrorKind(error) !== 'rejected') return null;
  return `expected to be let in, got: ${reasonOf(error)}${code === '' ? '' : ` (${code})`}; see sslmode and sslrootcert if it is about TLS`;
}

/** Without the password. */
function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

/** A refused connection to `localhost` is an AggregateError without a message of its own. */
function reasonOf(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  return inner instanceof Error ? inner.message : String(inner);
}
