// The settings of a replica. All come from the environment, are checked once, and are typed from here on. An unknown
// name that looks like ours is refused, because a mistyped setting is worse than none.
import { hostname } from 'node:os';
import { z } from 'zod';
import {
  checkClusterSettings,
  DEFAULT_CLUSTER_SETTINGS,
  type ClusterSettings,
} from '#cluster/cluster-settings.js';
import { HINTS_PER_SECOND } from '#cluster/hints/hints-loop.js';
import { problemOfDatabaseUrl } from '#database/database-url.js';
import { CALLS_PER_HOST } from '#execution/endpoints/guarded-outlet.js';
import { ConfigError } from '#kernel/errors.js';
import { allowedHost } from './allowed-host.js';
import { expectedText } from './expected-text.js';
import { namesEveryAddress } from './reachable-url.js';
import { unknownNames, withoutServices } from './setting-names.js';

const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const allowedHosts = list.transform((entries, context) =>
  entries.map((entry, index) => {
    const host = allowedHost(entry);
    if (host !== null) return host;
    const form =
      'a host or an address, perhaps with a port, like hooks.internal:8080, 10.0.0.7 or [fd00::7]:443';
    const message = `expected each entry to be ${form}, but entry ${index + 1} is ${JSON.stringify(entry)}`;
    context.addIssue({ code: 'custom', message });
    return entry;
  }),
);
/** Digits only: an empty text would otherwise be the number 0. */
const count = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));
const role = z.enum(['api', 'scheduler', 'worker']);
const postgresUrl = z.string('expected a postgres:// URL').superRefine((url, context) => {
  const message = problemOfDatabaseUrl(url);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

const callableUrl = z
  .url({ protocol: /^https?$/, abort: true })
  .refine((url) => !namesEveryAddress(url), 'expected an address that can be called');

/** As it is shown to clients, which add paths to it. */
const publicUrl = callableUrl
  .refine((url) => {
    const { username, password, search, hash } = new URL(url);
    return username + password + search + hash === '';
  }, 'expected a URL without a user, a query and a fragment')
  .transform((url) => new URL(url).href.replace(/\/+$/, ''));

const LEASES_RENAMED = 'expected "sessions" or "heartbeats"; "leases" is called "heartbeats" now';

/** The schema of pg-boss for the control plane's own work; a migration makes it. */
export const BOSS_SCHEMA = 'carillon_boss';
const OUR_SCHEMAS = new Set(['carillon', 'carillon_migration', BOSS_SCHEMA]);

/** Each setting with its meaning; docs/CONFIGURATION.md is made from this. */
export const settings = z.object({
  DATABASE_URL: postgresUrl.describe(
    'The database, by one host; `sslmode` and its kin mean what they mean to libpq. A pooler in transaction mode is fine if DATABASE_SESSION_URL goes past it.',
  ),
  DATABASE_SESSION_URL: postgresUrl
    .optional()
    .describe(
      'A direct way to the primary for the control session and for migrations. Default: DATABASE_URL.',
    ),
  CARILLON_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('The address to listen on. With every address (`0.0.0.0`, `::`) set CARILLON_URL, too.'),
  CARILLON_PORT: count(0, 65_535).default(8080).describe('The port to listen on; 0 takes any free one.'),
  CARILLON_PORT_FALLBACK: flag
    .default(false)
    .describe('Take any free port when the wanted one is taken, instead of failing.'),
  CARILLON_URL: callableUrl
    .optional()
    .describe(
      "The URL at which other replicas and people reach this replica's API. Default: the address that it listens on.",
    ),
  CARILLON_PUBLIC_URL: publicUrl
    .optional()
    .describe(
      "The URL at which tenants' clients reach this replica, and no other. Answers of other replicas then name it to tenants that it serves, in `Carillon-Owner`. Default: none, and no answer names this replica.",
    ),
  CARILLON_NAME: z
    .string()
    .min(1)
    .max(100)
    .default(hostname())
    .describe('The name of the replica in the API and the log. Need not be unique.'),
  CARILLON_ROLES: list
    .pipe(z.array(role).min(1))
    .default(['api', 'scheduler', 'worker'])
    .describe('The roles of the replica.'),
  CARILLON_WEIGHT: count(1, 100).default(1).describe('Its share of the slots, in proportion to the others.'),
  CARILLON_PREFERENCE: count(0, 100)
    .default(0)
    .describe(
      'The healthy replica with the highest preference leads; it takes leadership back when it returns.',
    ),
  CARILLON_ADMIN_KEY: z
    .string()
    .min(32)
    .optional()
    .describe(
      "An administrator's key, at least 32 characters. All replicas accept it as long as one that is configured with it lives, and ten minutes longer.",
    ),
  CARILLON_MIGRATE: flag.default(true).describe('Bring the database to the newest version at start.'),
  CARILLON_BUILT_IN_JOBS: flag
    .default(false)
    .describe('Register noop, echo, sleep, block, fail and record. For demos and tests.'),
  CARILLON_SIDE_LOG: z.string().optional().describe('The file that the built-in job `record` appends to.'),
  CARILLON_HANDLERS: z
    .string()
    .min(1)
    .optional()
    .describe('A folder whose .js, .mjs and .ts modules export handlers, which are registered at start.'),
  CARILLON_THREADS: count(1, 64)
    .default(2)
    .describe('Threads for the handlers that ask for one, each of which runs one attempt at a time.'),
  CARILLON_THREAD_MEMORY_MB: count(16, 65_536)
    .default(512)
    .describe('The heap that one thread may fill; an attempt that needs more fails.'),
  CARILLON_HTTP_ALLOWED_HOSTS: allowedHosts
    .default([])
    .describe(
      'Hosts that HTTP targets may reach although their address is not public or only the system knows it, best with the port: `hooks.internal:8080`, `[fd00::7]:443`.',
    ),
  CARILLON_HTTP_CALLS_PER_HOST: count(1, 10_000)
    .default(CALLS_PER_HOST)
    .describe('Calls that this replica makes for one tenant to one origin at once; its others wait.'),
  CARILLON_CALLBACK_URL: callableUrl
    .optional()
    .describe(
      'Where HTTP endpoints that answer 202 reach the API later, best by way of all replicas. Default: CARILLON_URL.',
    ),
  CARILLON_MAX_RUNNING: count(1, 10_000).default(200).describe('Runs that execute at once in this replica.'),
  CARILLON_MAX_HELD: count(1, 100_000)
    .default(5_000)
    .describe('Runs that are claimed by this replica at once, running ones included.'),
  CARILLON_WORK_CONNECTIONS: count(2, 100)
    .default(6)
    .describe('Connections for claims, settlements and planning.'),
  CARILLON_API_CONNECTIONS: count(1, 100)
    .default(6)
    .describe('Connections for the REST API and for housekeeping.'),
  CARILLON_PREPARED_STATEMENTS: flag
    .optional()
    .describe(
      'Prepare the statements that a connection repeats, which saves most of the planning. Not through a pooler in transaction mode, unless it keeps them (PgBouncer: `max_prepared_statements`). Default: true if DATABASE_URL is direct, that is: without DATABASE_SESSION_URL and with CARILLON_LIVENESS=sessions.',
    ),
  CARILLON_HINTS_PER_SECOND: count(0, 1_000)
    .default(HINTS_PER_SECOND)
    .describe(
      'How often this replica may wake the others by NOTIFY, at most, in any second; for released locks five times as often. 0 sends none: everything goes on, and is found within about a second.',
    ),
  CARILLON_HORIZON_WARN_SECONDS: count(0, 86_400)
    .default(30)
    .describe(
      'How long a session may hold a snapshot before the log and the cluster events name it: nothing deleted since can be cleared away. 0 never.',
    ),
  CARILLON_DRAIN_SECONDS: count(0, 3_600)
    .default(30)
    .describe(
      'How long running work may go on after SIGTERM. Ten seconds later the process closes the connections that are left, and ends.',
    ),
  CARILLON_STOP_GRACE_SECONDS: count(0, 3_600)
    .default(10)
    .describe(
      'How long a handler may take to stop after a timeout, a deadline or a cancel; then its run goes on without it.',
    ),
  CARILLON_QUEUE_SCHEMA: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,49}$/, 'expected the name of a schema')
    .refine((schema) => !OUR_SCHEMAS.has(schema), 'expected a schema of your own, got one of Carillon')
    .default('pgboss')
    .describe(
      "The schema of the pg-boss whose queues job types of kind `queue` fill; in the runs' database.",
    ),
  CARILLON_FIRE_RETENTION_DAYS: count(1, 3_650).default(14).describe('How long the ledger is kept.'),
  CARILLON_HISTORY_RETENTION_DAYS: count(1, 3_650).default(14).describe('How long finished runs are kept.'),
  CARILLON_LOG_RETENTION_DAYS: count(1, 3_650).default(14).describe('How long the logs of runs are kept.'),
  CARILLON_LOG_FOLLOWERS: count(0, 10_000)
    .default(100)
    .describe('How many requests may follow the logs of runs in this replica at once.'),
  CARILLON_LIVENESS: z
    .enum(['sessions', 'heartbeats'], {
      error: ({ input }) => (input === 'leases' ? LEASES_RENAMED : undefined),
    })
    .default('sessions')
    .describe(
      '`heartbeats` where the control session can only go through a pooler: no locks are used, and a crash is noticed after CARILLON_DEAD_AFTER_MS.',
    ),
  CARILLON_HEARTBEAT_MS: count(50, 60_000)
    .default(DEFAULT_CLUSTER_SETTINGS.heartbeatMs)
    .describe('The pause between two heartbeats of a replica.'),
  CARILLON_DEAD_AFTER_MS: count(150, 600_000)
    .default(DEFAULT_CLUSTER_SETTINGS.deadAfterMs)
    .describe('A replica without a heartbeat for so long is dead.'),
  CARILLON_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('The least level that is logged.'),
});

export type Settings = z.infer<typeof settings>;

export interface ServerConfig extends Settings {
  cluster: ClusterSettings;
  preparesStatements: boolean;
}

/**
 * Throws ConfigError that names each wrong setting, with the expected and the given value; by another name where the caller
 * has others.
 */
export function readConfig(
  given: Readonly<Record<string, string | undefined>> = process.env,
  nameOf: (setting: string) => string = (setting) => setting,
): ServerConfig {
  const env = withoutServices(given);
  const known = Object.keys(settings.shape);
  const unknown = unknownNames(env, known);
  if (unknown.length > 0) {
    throw new ConfigError(
      `expected settings that exist, got ${unknown.join(', ')}; known are ${known.join(', ')}`,
    );
  }
  const parsed = settings.safeParse(env);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${nameOf(String(issue.path[0]))}: ${expectedText(issue)}, got ${show(env, issue.path[0])}`,
    );
    throw new ConfigError(problems.join('\n'));
  }
  const {
    CARILLON_HEARTBEAT_MS: heartbeatMs,
    CARILLON_DEAD_AFTER_MS: deadAfterMs,
    CARILLON_LIVENESS: liveness,
  } = parsed.data;
  if (deadAfterMs < 3 * heartbeatMs)
    throw new ConfigError(
      `${nameOf('CARILLON_DEAD_AFTER_MS')}: expected at least 3 times ${nameOf('CARILLON_HEARTBEAT_MS')} (${3 * heartbeatMs}), got ${deadAfterMs}`,
    );
  const sweepMs = Math.min(DEFAULT_CLUSTER_SETTINGS.sweepMs, Math.floor(deadAfterMs / 8));
  const cluster = checkClusterSettings({
    ...DEFAULT_CLUSTER_SETTINGS,
    liveness,
    heartbeatMs,
    deadAfterMs,
    marginMs: Math.ceil(deadAfterMs / 5),
    electionMs: Math.min(DEFAULT_CLUSTER_SETTINGS.electionMs, Math.floor(deadAfterMs / 4)),
    sweepMs,
    crashedAfterMs: Math.floor(sweepMs / 2),
  });
  return { ...parsed.data, cluster, preparesStatements: preparesStatements(parsed.data) };
}

/**
 * Statements are prepared by default only where the control session, which is checked to be direct, shares the
 * database's URL: the replica can't detect a pooler otherwise.
 */
function preparesStatements(given: Settings): boolean {
  const { DATABASE_URL: url, DATABASE_SESSION_URL: sessionUrl = url, CARILLON_LIVENESS: liveness } = given;
  return given.CARILLON_PREPARED_STATEMENTS ?? (liveness === 'sessions' && sessionUrl === url);
}

const SECRET = new Set(['DATABASE_URL', 'DATABASE_SESSION_URL', 'CARILLON_ADMIN_KEY']);

function show(env: Readonly<Record<string, string | undefined>>, name: PropertyKey | undefined): string {
  const value = env[String(name)];
  if (value === undefined) return 'nothing';
  const isSecret = SECRET.has(String(name)) || value.includes('@');
  return isSecret ? `${value.length} characters (not shown)` : JSON.stringify(value);
}
