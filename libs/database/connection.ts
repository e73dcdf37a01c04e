// How do we talk to PostgreSQL? Through a bounded pool of named sessions. The name carries the replica's number, so
// that the leader can see and end every session of a replica that it declares dead.
import { Kysely, PostgresDialect, type Dialect, type PostgresPool, type Transaction } from 'kysely';
import pg from 'pg';
import { DatabaseClient, type DatabaseClientConfig } from './database-client.js';
import { settledDatabaseUrl } from './database-url.js';
import { pinnedOptions } from './decisions/session-settings.js';
import { PreparedStatements } from './prepared-statements.js';
import type { Tables } from '#database/tables/schema.js';

/** Either the database or a transaction in it; repositories take this and don't care which. */
export type Database = Kysely<Tables>;
export type Tx = Transaction<Tables>;

const SCHEMA = 'carillon';

export interface DatabaseOptions {
  url: string;
  /** Shown in pg_stat_activity, at most 63 bytes. */
  applicationName: string;
  maxConnections: number;
  /** The time limit of one statement, on the server and, a little longer, on our side. */
  statementTimeoutMs: number;
  /**
   * For claims and similar statements: an index in the wanted order is preferred to sorting, however few rows are
   * expected.
   */
  walksIndexes?: boolean;
  /** How long a transaction may stand idle; then the server ends the session and releases its locks. */
  idleInTransactionMs?: number;
  /**
   * Whether names are resolved by the search_path of the database or the role; our own sessions resolve names in
   * pg_catalog only.
   */
  keepsPath?: boolean;
  /** Whether each connection is a session of its own, so that repeated statements can be prepared. */
  prepares?: boolean;
  /**
   * Refuses connections to a standby or a read-only server, where reads would not find what other replicas have
   * acknowledged.
   */
  wantsPrimary?: boolean;
  onError: (error: Error) => void;
}

/** A pool with Kysely on it. Ends with `destroy()`. */
export function connectDatabase(options: DatabaseOptions): Database {
  return databaseOver(openPool(options));
}

export function openPool(options: DatabaseOptions): PostgresPool {
  const config: pg.PoolConfig & DatabaseClientConfig = {
    ...sessionConfig(options),
    statements: options.prepares === true ? new PreparedStatements(options.onError) : null,
    max: options.maxConnections,
    idleTimeoutMillis: 30_000,
  };
  // The pool waits for it, and ends the connection when it throws, though its types don't say so.
  const checks: object = options.wantsPrimary === true ? { onConnect: refuseFormerPrimary } : {};
  const pool = new pg.Pool({ ...config, ...checks, Client: DatabaseClient });
  // A connection that breaks emits an error, from the pool while it is idle and from the client while it is
  // lent out between two statements. Without a listener for each, either would end the process.
  pool.on('error', options.onError);
  pool.on('connect', (client) => client.on('error', options.onError));
  return pool;
}

/** Runs before the pool lends the connection. Throws with the code of a write that such a server would refuse. */
async function refuseFormerPrimary(client: Pick<pg.Client, 'query'>): Promise<void> {
  const { rows } = await client.query<{ isPrimary: boolean }>(
    `select not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off' as "isPrimary"`,
  );
  if (rows[0]?.isPrimary !== true)
    throw Object.assign(new Error('expected a primary, got a server that can only be read'), {
      code: '25006',
    });
}

/**
 * Acts in the transaction that is under way, or in one of its own. Only this function begins transactions of ours, but for
 * those that read (inSnapshot). Each sets its isolation, because under a database's default of repeatable read a statement
 * would not see the commit that the one before had waited for, and a pooler may drop the settings of the session.
 */
export async function inTransaction<Value>(db: Database, act: (tx: Tx) => Promise<Value>): Promise<Value> {
  if (isTransaction(db)) return act(db);
  return db.transaction().setIsolationLevel('read committed').execute(act);
}

/** Reads in a transaction whose statements all see the same instant. */
export async function inSnapshot<Value>(db: Database, read: (tx: Tx) => Promise<Value>): Promise<Value> {
  return db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read);
}

function isTransaction(db: Database): db is Tx {
  return db.isTransaction;
}

export function databaseOver(pool: PostgresPool, dialect: Dialect = new PostgresDialect({ pool })): Database {
  return new Kysely<Tables>({ dialect }).withSchema(SCHEMA);
}

/**
 * A queue's tables are empty one minute and full the next, so their statistics are often wrong: a table that was
 * analysed when it had just been drained is read as a whole for each lane of a claim. Every statement here has an index
 * made for it. (Without jit: before version 18 a plan that has no other way than one of these counts as so dear that it
 * is compiled first.)
 */
const PLAN_SETTINGS = '-c enable_seqscan=off -c enable_bitmapscan=off -c jit=off';
const WALK_SETTINGS = `${PLAN_SETTINGS} -c enable_sort=off -c enable_incremental_sort=off`;
/**
 * One plan for any values, where statements are prepared: the server estimates a list of one id so much cheaper than
 * one of ten that it would plan claims and ends anew each time, and reach the same plan.
 */
const REPEAT_SETTINGS = `${WALK_SETTINGS} -c plan_cache_mode=force_generic_plan`;

export const IDLE_IN_TRANSACTION_MS = 10_000;

/** The part of node-postgres's settings that begins a session. */
interface SessionStart {
  connectionString: string;
  options?: string;
}

/** For sessions that other code opens: pinned like ours, and otherwise unchanged. */
export function pinnedSession(url: string): SessionStart {
  return withSettings(settledDatabaseUrl(url), pinnedOptions());
}

export function sessionConfig(options: Omit<DatabaseOptions, 'maxConnections' | 'onError'>): pg.ClientConfig {
  return {
    ...withSettings(settledDatabaseUrl(options.url), `${pinnedOptions(options)} ${planSettings(options)}`),
    application_name: options.applicationName,
    statement_timeout: options.statementTimeoutMs,
    // Later than the server's own limit: it only matters when the server's answer can't reach us any more.
    query_timeout: options.statementTimeoutMs + 2_000,
    idle_in_transaction_session_timeout: options.idleInTransactionMs ?? IDLE_IN_TRANSACTION_MS,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    // A statement that is not waited for goes out together with the next one.
    pipeline: true,
    types: { getTypeParser: parserOf },
  };
}

function planSettings({
  walksIndexes = false,
  prepares = false,
}: Pick<DatabaseOptions, 'walksIndexes' | 'prepares'>): string {
  if (!walksIndexes) return PLAN_SETTINGS;
  return prepares ? REPEAT_SETTINGS : WALK_SETTINGS;
}

/** Added to the settings that the URL brings along. */
function withSettings(url: string, settings: string): SessionStart {
  const [, given] = /[?&]options=([^&]*)/.exec(url) ?? [];
  if (given === undefined) return { connectionString: url, options: settings };
  const all = `${decodeURIComponent(given.replaceAll('+', ' '))} ${settings}`;
  return { connectionString: url.replace(`options=${given}`, `options=${encodeURIComponent(all)}`) };
}

const INT8 = 20;

/** 64-bit integers come as numbers: terms, beats and counts stay far below 2^53. */
function parserOf(oid: number, format?: 'text' | 'binary'): unknown {
  if (oid === INT8) return Number;
  return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
}
