// Is the database fit for the cluster, and has it room for it? `npm run doctor` examines the database of DATABASE_URL
// with the settings of a replica, changes nothing, and exits with 1 when something is wrong.
import { listHorizonHolders } from '#cluster/horizon/horizon.repository.js';
import { listReplicas } from '#cluster/membership/replica-listing.repository.js';
import { connectDatabase, type Database } from '#database/connection.js';
import { isDatabaseError } from '#database/error-kind.js';
import { pendingMigrations } from '#database/migrating/migrator.js';
import { reportServer } from '#database/sessions/server-report.repository.js';
import { openSession } from '#database/sessions/session-connection.js';
import { UnfitSessionError } from '#database/sessions/session-fitness.js';
import { databaseTime } from '#database/time.repository.js';
import { settleTls } from '#database/tls-offer.js';
import { readConfig, type ServerConfig } from '#server/settings/config.js';
import { budgetTotal, connectionBudget } from '#server/settings/connection-budget.js';
import { adviceOnUrls } from '#server/settings/reachable-url.js';
import { CliError } from '../cli-error.js';
import { withDatabase } from '../database-meant.js';
import type { Environment } from '../world.js';
import { findingsOf, type Finding, type Seen } from './findings.js';

const NAME = 'carillon-doctor';
const MARKS = { ok: 'ok      ', warning: 'warning ', problem: 'PROBLEM ' } as const;

/** Throws ConfigError for a wrong setting, and CliError when the database can't be reached. */
export async function doctor(
  given: Environment,
  running?: { databaseUrl: string },
): Promise<{ text: string; isHealthy: boolean }> {
  const env = withDatabase(given, running, 'examine');
  const config = await settled(readConfig(env));
  const db = connectDatabase({
    url: config.DATABASE_URL,
    applicationName: NAME,
    maxConnections: 1,
    statementTimeoutMs: 10_000,
    onError: () => undefined, // the statement under way reports the same break
  });
  try {
    const seen = await look(db, config);
    const findings = findingsOf(seen);
    return {
      text: [...sourceLines(given), ...budgetLines(config, seen), '', ...findings.map(show)].join('\n'),
      isHealthy: findings.every(({ level }) => level !== 'problem'),
    };
  } catch (error) {
    throw isDatabaseError(error) ? new CliError(unreachable(config, error)) : error;
  } finally {
    await db.destroy();
  }
}

function sourceLines(env: Environment): string[] {
  if (env['DATABASE_URL'] !== undefined) return [];
  return ['the database of the npm start that runs here, since DATABASE_URL is not set', ''];
}

async function settled(config: ServerConfig): Promise<ServerConfig> {
  try {
    return { ...config, DATABASE_URL: await settleTls(config.DATABASE_URL) };
  } catch (error) {
    throw isDatabaseError(error) ? new CliError(unreachable(config, error)) : error;
  }
}

async function look(db: Database, config: ServerConfig): Promise<Seen> {
  const server = await reportServer(db);
  // On a connection that is already open, by a statement of its own: the round trip is the error.
  const sentAtMs = Date.now();
  const now = await databaseTime(db);
  const heardAtMs = Date.now();
  const pending = await pendingMigrations(db);
  const isInstalled = !pending.includes('0001_cluster');
  const replicas = isInstalled ? await listReplicas(db, { ended: 0 }) : [];
  return {
    server,
    unfit: await unfitness(config),
    pending,
    holders: await listHorizonHolders(db),
    clockOffMs: (sentAtMs + heardAtMs) / 2 - now.getTime(),
    clockErrorMs: (heardAtMs - sentAtMs) / 2,
    warnAfterMs: config.CARILLON_HORIZON_WARN_SECONDS * 1_000,
    perReplica: budgetTotal(connectionBudget(config)),
    replicas: replicas.length,
    advice: adviceOnUrls(config),
  };
}

/** Opens a control session as a replica would, and returns why the replica would refuse it. */
async function unfitness(config: ServerConfig): Promise<string | null> {
  try {
    const session = await openSession({
      url: config.DATABASE_SESSION_URL ?? config.DATABASE_URL,
      applicationName: NAME,
      deadAfterMs: config.cluster.deadAfterMs,
      direct: config.CARILLON_LIVENESS === 'sessions',
      onLost: () => undefined,
      onNotification: () => undefined,
    });
    await session.close();
    return null;
  } catch (error) {
    if (error instanceof UnfitSessionError) return error.message;
    throw error;
  }
}

function budgetLines(config: ServerConfig, { server, perReplica, replicas }: Seen): string[] {
  const rows: [string, number][] = [
    ...connectionBudget(config).map(({ what, count }): [string, number] => [what, count]),
    ['a replica opens at most', perReplica],
    [`the ${replicas} living replicas, with settings like these`, perReplica * replicas],
    ['open now by Carillon', server.ourConnections],
    ['open now by all clients', server.usedConnections],
    ['max_connections', server.maxConnections],
    ['of which reserved', server.reservedConnections],
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  return [
    'connections',
    ...rows.map(([what, count]) => `  ${what.padEnd(width)}  ${String(count).padStart(5)}`),
  ];
}

function show({ level, text }: Finding): string {
  return `${MARKS[level]} ${text}`;
}

function unreachable(config: ServerConfig, error: unknown): string {
  const { host, pathname } = new URL(config.DATABASE_URL);
  const why = error instanceof Error ? error.message : String(error);
  return `DATABASE_URL: expected a database that answers at ${host}${pathname}, got ${why || 'no answer'}`;
}
