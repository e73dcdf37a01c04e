// The options of CarillonReplicaModule: the settings of docs/CONFIGURATION.md as typed values, `CARILLON_MAX_RUNNING` as
// `maxRunning`, and what an application passes in code. What a replica inside of another process can't have is refused
// by its name, with the reason.
import type { ExportedHandler } from '#client/jobs/handler.js';
import { expectKnownOptions, expectList, kindOf } from '#client/options/known-options.js';
import { readConfig, settings, type ServerConfig, type Settings } from '../settings/config.js';

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<Camel<Tail>>}`
  : Lowercase<Name>;
type OptionName<Setting extends string> = Setting extends `CARILLON_${infer Rest}`
  ? Camel<Rest>
  : Camel<Setting>;
/** What is a list or an object in the end comes as texts. */
type Given<Value> = Value extends readonly unknown[] ? readonly string[] : Value;

type Elsewhere =
  | 'CARILLON_HOST'
  | 'CARILLON_PORT'
  | 'CARILLON_PORT_FALLBACK'
  | 'CARILLON_HANDLERS'
  | 'CARILLON_THREADS'
  | 'CARILLON_THREAD_MEMORY_MB'
  | 'CARILLON_ROLES';
type Required = 'DATABASE_URL' | 'CARILLON_URL';

type OptionalSettings = {
  [Setting in Exclude<keyof Settings, Elsewhere | Required> as OptionName<Setting>]?:
    Given<NonNullable<Settings[Setting]>> | undefined;
};

export interface CarillonReplicaOptions extends OptionalSettings {
  /** The value of an environment variable may be passed as it is: undefined is refused at once. */
  databaseUrl: string | undefined;
  /**
   * Where other replicas, people and called endpoints reach this one's API, with its prefix:
   * `http://10.0.0.7:3000/carillon`. With `api: false` that of another replica.
   */
  url: string | undefined;
  /** Mounts the API in the application's HTTP server, before all that the application has there; or leaves it out. */
  api: { prefix: string } | false;
  /** Default: both. */
  roles?: readonly ('scheduler' | 'worker')[] | undefined;
  /** Beside the methods with @JobHandler: what `handler` made. */
  handlers?: readonly ExportedHandler[] | undefined;
}

export interface ReplicaPlan {
  config: ServerConfig;
  url: string;
  /** `/carillon`; null without an API. */
  prefix: string | null;
  handlers: readonly ExportedHandler[];
}

const LISTENS = 'the application itself listens';
const NO_THREADS =
  'threads load their handlers from a folder, which only a replica with a process of its own has (CARILLON_HANDLERS)';
const REFUSED: Readonly<Record<string, string>> = {
  host: LISTENS,
  port: LISTENS,
  portFallback: LISTENS,
  threads: NO_THREADS,
  threadMemoryMb: NO_THREADS,
  pool: 'a replica sets up each of its connections, prepares statements on them and needs one that no pooler shares; workConnections and apiConnections say how many',
};
const PREFIX = /^\/?([\w.-]+(?:\/[\w.-]+)*)\/?$/;

const SETTING_OF: ReadonlyMap<string, string> = new Map(
  Object.keys(settings.shape).map((setting) => [optionOf(setting), setting]),
);
const KNOWN = ['api', ...[...SETTING_OF.keys()].filter((option) => !(option in REFUSED))];

/** Throws a TypeError or ConfigError that names the option, the expected and the given value. */
export function replicaPlan(options: CarillonReplicaOptions): ReplicaPlan {
  const { api, roles = ['scheduler', 'worker'], handlers = [], ...rest } = options;
  for (const [option, why] of Object.entries(REFUSED))
    if (Object.hasOwn(options, option))
      throw new TypeError(`expected no option ${option} of a replica inside of an application: ${why}`);
  expectKnownOptions(options, KNOWN);
  expectList('roles', options.roles);
  expectList('handlers', options.handlers);
  for (const role of roles as readonly unknown[])
    if (role !== 'scheduler' && role !== 'worker')
      throw new TypeError(
        `expected roles to have scheduler or worker, got ${String(role)}; api is an option of its own`,
      );
  const prefix = prefixOf(api);
  if (options.url === undefined)
    throw new TypeError('expected url to be where the API of this replica is reached, got nothing');
  const config = readConfig(
    {
      ...Object.fromEntries(
        Object.entries(rest).map(([option, value]) => [SETTING_OF.get(option), textOf(value)]),
      ),
      CARILLON_ROLES: [...roles, ...(prefix === null ? [] : ['api'])].join(','),
    },
    optionOf,
  );
  return { config, url: options.url, prefix, handlers: handlers.map(inProcess) };
}

function prefixOf(api: unknown): string | null {
  if (api === false) return null;
  const { prefix } = (api ?? {}) as { prefix?: unknown };
  const path = typeof prefix === 'string' ? PREFIX.exec(prefix)?.[1] : undefined;
  if (path !== undefined) return `/${path}`;
  const got = typeof api === 'object' && api !== null ? `prefix ${JSON.stringify(prefix)}` : kindOf(api);
  throw new TypeError(`expected api to be { prefix: '/carillon' } or another path, or false, got ${got}`);
}

function inProcess(handler: ExportedHandler, index: number): ExportedHandler {
  if (handler?.kind !== 'job-handler')
    throw new TypeError(`expected handlers[${index}] to be made by handler(…), got ${kindOf(handler)}`);
  if (!handler.thread) return handler;
  throw new TypeError(
    `expected handlers[${index}] (${handler.definition.name}) without thread: true: ${NO_THREADS}`,
  );
}

/** As it would stand in the environment. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string' || value === undefined) return value;
  return Array.isArray(value) ? value.join(',') : JSON.stringify(value);
}

/** `CARILLON_MAX_RUNNING`: `maxRunning`. */
function optionOf(setting: string): string {
  return setting
    .replace(/^CARILLON_/, '')
    .toLowerCase()
    .replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
