// What must hold in every session of ours, with any defaults of a database or a role? A statement that waits and then
// reads anew needs READ COMMITTED. The driver reads only one form of dates, intervals and arrays. A path with schemas
// of strangers lets their functions replace the server's. All of that is set when a session begins. A pooler may drop
// the settings, so they are also checked at the start, and one that does not hold is refused by name. So is a setting
// that we can't set, or that an administrator has decided and we must not overrule (read-only).

/** Set at the beginning of each session, in the start-up packet's `options`. */
const PINNED: Readonly<Record<string, string>> = {
  default_transaction_isolation: 'read committed',
  DateStyle: 'ISO,MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  row_security: 'on',
  exit_on_error: 'off',
  lock_timeout: '0',
  idle_session_timeout: '0',
};

/** The path that our own statements need: no other role can put anything into these schemas. */
export const OWN_PATH = 'pg_catalog, pg_temp';

/** In the form of the start-up packet: white space and backslashes are escaped. */
export function pinnedOptions({ keepsPath = false }: { keepsPath?: boolean } = {}): string {
  const pins = keepsPath ? PINNED : { ...PINNED, search_path: OWN_PATH.replaceAll(' ', '') };
  return Object.entries(pins)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\s\\]/g, '\\$&')}`)
    .join(' ');
}

/** What a session of ours reports. */
export interface SessionReport {
  pid: number;
  isStandby: boolean;
  /** By their names, as far as the server knows them. */
  settings: Readonly<Record<string, string>>;
  /** The first of the schemas in which functions and operators are resolved. */
  firstSchema: string;
}

interface Demand {
  readonly setting: string;
  readonly expected: string;
  readonly fits: (got: string) => boolean;
  readonly remedy: string;
}

const MS_MIN = 100;

const byDefault = (name: string, value: string): string =>
  `a pooler has dropped what the session says: alter role … set ${name} = '${value}'`;

const is = (setting: string, expected: string, remedy: string): Demand => ({
  setting,
  expected,
  fits: (got) => got.toLowerCase() === expected.toLowerCase(),
  remedy,
});

/** A limit that strikes before our own statements end would end them at random. */
const noShort = (setting: string): Demand => ({
  setting,
  expected: `0 or at least ${MS_MIN} ms`,
  fits: (got) => Number(got) === 0 || Number(got) >= MS_MIN,
  remedy: `alter role … set ${setting} = 0`,
});

const DEMANDS: readonly Demand[] = [
  is(
    'server_encoding',
    'UTF8',
    "payloads hold any text: create the database with encoding 'UTF8' (and template0), and move to it",
  ),
  is('client_encoding', 'UTF8', 'a pooler must let it through'),
  is(
    'transaction_read_only',
    'off',
    'is default_transaction_read_only set for the database or the role? A full disk or a switch-over may be why',
  ),
  is('session_replication_role', 'origin', 'alter role … set session_replication_role = origin'),
  {
    setting: 'DateStyle',
    expected: 'ISO',
    fits: (got) => got.startsWith('ISO'),
    remedy: byDefault('DateStyle', 'ISO'),
  },
  ...Object.entries(PINNED)
    .filter(([name]) => name !== 'DateStyle' && !name.endsWith('_timeout'))
    .map(([name, value]) => is(name, value, byDefault(name, value))),
  ...['statement_timeout', 'lock_timeout', 'idle_session_timeout', 'transaction_timeout'].map(noShort),
];

/** The settings that are checked. */
export const DEMANDED_SETTINGS: readonly string[] = DEMANDS.map(({ setting }) => setting);

/** Every reason why such a session will not do, each with a remedy; none when it will. */
export function unfitnessOf({ isStandby, settings, firstSchema }: SessionReport): string[] {
  // A standby is read-only as well, which would only hide that it is a standby.
  if (isStandby) return ['expected a primary, got a standby (pg_is_in_recovery() is true)'];
  const wrong = DEMANDS.flatMap(({ setting, expected, fits, remedy }) => {
    const got = settings[setting];
    return got === undefined || fits(got) ? [] : [`${setting}: expected ${expected}, got ${got}; ${remedy}`];
  });
  if (firstSchema === 'pg_catalog') return wrong;
  const remedy = 'alter role … set search_path so that pg_catalog is not behind another schema';
  return [...wrong, `search_path: expected pg_catalog first, got ${firstSchema}; ${remedy}`];
}
