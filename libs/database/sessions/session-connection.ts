// Holds what belongs to a session, the advisory locks and the heartbeat of a replica, on one dedicated connection that
// is never pooled. The server ends it when it stays silent for `deadAfterMs`, because TCP keepalives never notice a
// frozen process: its kernel goes on answering them.
import type pg from 'pg';
import { sql, type PostgresPool, type PostgresPoolClient } from 'kysely';
import { databaseOver, sessionConfig, type Database } from '#database/connection.js';
import { DatabaseClient } from '#database/database-client.js';
import { PreparedStatements } from '#database/prepared-statements.js';
import { refuseUnfitSession, UnfitSessionError } from './session-fitness.js';

export interface SessionOptions {
  url: string;
  applicationName: string;
  /** The server ends the session after this much silence. */
  deadAfterMs: number;
  /** False behind a pooler: then nothing may be left on the session, which the next statement may not see. */
  direct: boolean;
  /** Called once when the session ends for any reason; not called for `close()`. */
  onLost: (error: Error) => void;
  onNotification: (channel: string, payload: string) => void;
}

export interface SessionConnection {
  readonly db: Database;
  readonly backendPid: number;
  /** The reason for its end, if it has ended. It may end before its opener has received it. */
  readonly endedBy: Error | null;
  close(): Promise<void>;
}

/**
 * Rejects with UnfitSessionError when something between us and a primary breaks sessions, else with the connection's
 * error.
 */
export async function openSession(options: SessionOptions): Promise<SessionConnection> {
  const statementTimeoutMs = Math.floor(options.deadAfterMs / 3);
  // A missing answer ends the session, too: a router may have forgotten the connection without telling us.
  const client = new DatabaseClient({
    ...sessionConfig({ url: options.url, applicationName: options.applicationName, statementTimeoutMs }),
    query_timeout: statementTimeoutMs,
    connectionTimeoutMillis: statementTimeoutMs,
    // A direct session keeps its prepared statements; whether it is one is known before anything is repeated.
    statements: options.direct ? new PreparedStatements(() => undefined) : null,
  });
  // A session that breaks before it is open is reported by the rejection alone. The answer to the last statement and
  // the end of the session may come in one read: then nothing rejects by itself, so `endedBy` is checked.
  let open = false;
  let endedBy: Error | null = null;
  const lose = (error: Error): void => {
    endedBy ??= error;
    if (!open) return;
    open = false;
    void client.end().catch(() => undefined);
    options.onLost(error);
  };
  client.on('error', lose);
  client.on('end', () => lose(new Error('Connection terminated: the control session ended')));
  client.on('notification', ({ channel, payload }) => options.onNotification(channel, payload ?? ''));
  const db = databaseOver(poolOfOne(client));
  try {
    await client.connect();
    const { pid: backendPid } = await refuseUnfitSession(db);
    if (options.direct) refusePooler(client, backendPid);
    if (options.direct) await limitSilence(db, options.deadAfterMs);
    throwIfEnded(endedBy);
    open = true;
    return {
      db,
      backendPid,
      get endedBy() {
        return endedBy;
      },
      close: () => ((open = false), client.end()),
    };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

function throwIfEnded(error: Error | null): void {
  if (error !== null) throw error;
}

/**
 * Lends the one client to one borrower at a time. Without this a beat could slip into the middle of an
 * election's transaction, and would be rolled back with it.
 */
function poolOfOne(client: pg.Client): PostgresPool {
  let free: Promise<void> = Promise.resolve();
  const connect = async (): Promise<PostgresPoolClient> => {
    const turn = free;
    let release = (): void => undefined;
    free = new Promise((resolve) => {
      release = resolve;
    });
    await turn;
    return Object.assign(client, { release });
  };
  // Kysely ends a pool; this one's client is ended by the opener of the session.
  return { connect, end: async () => undefined, options: {} };
}

function refusePooler(client: pg.Client, backendPid: number): void {
  // `processID` comes from the protocol's start-up; a pooler in between answers with a number of its own.
  const { processID } = client as unknown as { processID: number };
  if (processID === backendPid) return;
  throw new UnfitSessionError(
    `expected a direct connection, got a pooler in between (backend ${backendPid}, announced ${processID}); ` +
      'set DATABASE_SESSION_URL to a direct one, or CARILLON_LIVENESS to heartbeats',
  );
}

async function limitSilence(db: Database, deadAfterMs: number): Promise<void> {
  await sql`select set_config('idle_session_timeout', ${String(deadAfterMs)}, false),
                   set_config('idle_in_transaction_session_timeout', ${String(deadAfterMs)}, false),
                   set_config('lock_timeout', '1s', false)`.execute(db);
}
