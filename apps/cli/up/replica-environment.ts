// Which environment do the programs get that are started here? A replica gets our settings and no others:
// what else is called CARILLON_… was meant for somebody else, and it refuses names that it does not know.
export interface ReplicaSettings {
  readonly databaseUrl: string;
  readonly adminKey: string;
  readonly sideLog: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Running work gets this long after Ctrl-C. The demo's takes milliseconds. */
const DRAIN_SECONDS = 10;

export function replicaEnvironment(
  inherited: Environment,
  { databaseUrl, adminKey, sideLog }: ReplicaSettings,
): NodeJS.ProcessEnv {
  return {
    ...without(inherited, /^CARILLON_/),
    DATABASE_URL: databaseUrl,
    CARILLON_PORT_FALLBACK: 'true',
    CARILLON_MIGRATE: 'false',
    CARILLON_ADMIN_KEY: adminKey,
    CARILLON_BUILT_IN_JOBS: 'true',
    CARILLON_SIDE_LOG: sideLog,
    CARILLON_HTTP_ALLOWED_HOSTS: '127.0.0.1',
    CARILLON_DRAIN_SECONDS: String(DRAIN_SECONDS),
  };
}

/** What a person has set for another server (PGSSLMODE=require, say) would lock us out of our own. */
export function environmentForOwnServer(inherited: Environment): NodeJS.ProcessEnv {
  return without(inherited, /^PG[A-Z]|^DATABASE_/);
}

function without(environment: Environment, names: RegExp): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.test(name)));
}
