// The environment of the programs started here. A replica gets our settings, and the person's for everything that
// `up` does not decide: where the handlers are, how much may run at once. Settings for a worker, such as
// CARILLON_KEY, are left out, and an unknown name is refused, as a replica refuses it.
import { settings } from '#server/settings/config.js';
import { unknownNames, withoutServices } from '#server/settings/setting-names.js';
import { CLIENT_SETTINGS } from '../../client-settings.js';
import { CliError } from '../../cli-error.js';

export interface ReplicaSettings {
  readonly databaseUrl: string;
  readonly adminKey: string;
  readonly sideLog: string;
  /** Host and port that the demo's job type calls; null without the demo. */
  readonly receiver: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Each replica has its own value, or `up` decides it. */
const NOT_FROM_OUTSIDE = new Set(
  ['HOST', 'PORT', 'URL', 'PUBLIC_URL', 'NAME', 'ROLES', 'PREFERENCE'].map((name) => `CARILLON_${name}`),
);
const FROM_OUTSIDE = new Set(Object.keys(settings.shape).filter((name) => !NOT_FROM_OUTSIDE.has(name)));

/** Throws CliError when a setting was mistyped. */
export function refuseUnknownSettings(environment: Environment): void {
  const known = [...Object.keys(settings.shape), ...CLIENT_SETTINGS];
  const unknown = unknownNames(withoutServices(environment), known);
  if (unknown.length === 0) return;
  throw new CliError(
    `expected settings that exist, got ${unknown.join(', ')}; docs/CONFIGURATION.md lists them`,
    2,
  );
}

/** Running work gets this long after Ctrl-C. The demo's runs take milliseconds. */
const DRAIN_SECONDS = 10;

export function replicaEnvironment(
  inherited: Environment,
  { databaseUrl, adminKey, sideLog, receiver }: ReplicaSettings,
): NodeJS.ProcessEnv {
  return {
    CARILLON_DRAIN_SECONDS: String(DRAIN_SECONDS),
    ...only(inherited, (name) => !name.startsWith('CARILLON_') || FROM_OUTSIDE.has(name)),
    DATABASE_URL: databaseUrl,
    CARILLON_PORT_FALLBACK: 'true',
    CARILLON_MIGRATE: 'false',
    CARILLON_ADMIN_KEY: adminKey,
    CARILLON_BUILT_IN_JOBS: 'true',
    CARILLON_SIDE_LOG: sideLog,
    // With its port: otherwise a tenant's job type could call any other server that listens on this machine, and show
    // its answer.
    CARILLON_HTTP_ALLOWED_HOSTS: [receiver ?? '', inherited['CARILLON_HTTP_ALLOWED_HOSTS'] ?? ''].join(','),
  };
}

/** Settings for another server (PGSSLMODE=require, say) would lock us out of our own. */
export function environmentForOwnServer(inherited: Environment): NodeJS.ProcessEnv {
  return only(inherited, (name) => !/^PG[A-Z]|^DATABASE_/.test(name));
}

function only(environment: Environment, isWanted: (name: string) => boolean): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isWanted(name)));
}
