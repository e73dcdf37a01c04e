// What may an administrator have done to a database before we get there? All of it at once, for the project odd-database: a
// login that another role is set for, which may make no schemas but has found ours made ahead, and whose sessions begin
// with every setting that a protocol or a driver could stumble over, a schema in front of pg_catalog among them. Tests look
// at such a database as the administrator (rows.ts: openClient), the product lives in it as the login.
import { runStatement, withDatabase } from './admin-statement.js';

/** The project whose databases are so. */
export const ODD = 'odd-database';

/** Each breaks something where it is not pinned. */
const SETTINGS: Readonly<Record<string, string>> = {
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  datestyle: 'German',
  intervalstyle: 'sql_standard',
  timezone: 'Asia/Kathmandu',
  extra_float_digits: '-10',
  standard_conforming_strings: 'off',
  backslash_quote: 'off',
  bytea_output: 'escape',
  array_nulls: 'off',
  transform_null_equals: 'on',
  quote_all_identifiers: 'on',
  row_security: 'off',
  client_encoding: 'LATIN1',
  statement_timeout: '1ms',
  lock_timeout: '1ms',
  idle_session_timeout: '1ms',
  idle_in_transaction_session_timeout: '1ms',
};

/** Each stands in for one of the server's own where this schema comes first. */
const SHADOWS = `
  create schema odd;
  create function odd.now() returns timestamptz language sql as $$ select '1999-01-01Z'::timestamptz $$;
  create function odd.clock_timestamp() returns timestamptz language sql as $$ select '1999-01-01Z'::timestamptz $$;
  create function odd.unnest(text[]) returns setof text language sql as $$ select 'odd'::text where false $$;
  create function odd.unnest(uuid[]) returns setof uuid language sql as $$ select null::uuid where false $$;
  create function odd.unnest(integer[]) returns setof integer language sql as $$ select 1 where false $$;
  create function odd.pg_try_advisory_lock(integer, integer) returns boolean language sql as $$ select false $$;
  create function odd.pg_advisory_xact_lock(integer, integer) returns void language sql as $$ select $$;
  create function odd.equal(uuid, uuid) returns boolean language sql as $$ select false $$;
  create operator odd.= (function = odd.equal, leftarg = uuid, rightarg = uuid);
  grant usage on schema odd to public;`;

/**
 * Resolves with the URL, without a database, of the login that the product uses; roles are the server's, so `mark`
 * names them.
 */
export async function makeOdd(
  adminUrl: string,
  { template, mark }: { template: string; mark: string },
): Promise<string> {
  const [owner, login] = [`carillon_owner_${mark}`, `carillon_login_${mark}`];
  await runStatement(
    adminUrl,
    `create role ${owner}; create role ${login} login password 'odd' in role ${owner};
     ${Object.entries({ ...SETTINGS, role: owner })
       .map(([name, value]) => `alter role ${login} set ${name} = '${value}';`)
       .join('\n')}
     alter role ${login} set search_path = odd, pg_catalog, public`,
  );
  const schemas = ['carillon', 'carillon_migration', 'carillon_boss', 'pgboss'];
  await runStatement(
    withDatabase(adminUrl, template),
    `${SHADOWS}
     ${schemas.map((schema) => `create schema if not exists ${schema} authorization ${owner};`).join('\n')}
     grant all on schema public to ${owner};
     alter default privileges grant all on tables to ${owner}`,
  );
  return Object.assign(new URL(adminUrl), { username: login, password: 'odd' }).href;
}

/** After the databases: a role that owns something stays. */
export async function removeOdd(adminUrl: string, mark: string): Promise<void> {
  await runStatement(
    adminUrl,
    `drop role if exists carillon_login_${mark}; drop role if exists carillon_owner_${mark}`,
  );
}
