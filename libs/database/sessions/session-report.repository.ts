// Reports the settings of the session that our statements are sent on. The statement is worded so that no object in
// another schema can replace what it names, because the path is one of the settings in question.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import { DEMANDED_SETTINGS, type SessionReport } from '#database/decisions/session-settings.js';

export async function reportSession(db: Database): Promise<SessionReport> {
  const { rows } = await sql<SessionReport>`
    select pg_catalog.pg_backend_pid() as pid, pg_catalog.pg_is_in_recovery() as "isStandby",
           (select pg_catalog.jsonb_object_agg(name, setting) from pg_catalog.pg_settings
             where name operator(pg_catalog.=) any(${DEMANDED_SETTINGS}::pg_catalog.text[])) as settings,
           (select schema from pg_catalog.unnest(pg_catalog.current_schemas(true)) with ordinality as path (schema, place)
             where schema operator(pg_catalog.!~) '^pg_temp' order by place limit 1) as "firstSchema"`.execute(
    db,
  );
  const [report] = rows;
  if (report === undefined) throw new Error('expected one row about the session, got none');
  return report;
}

/**
 * The path that the database, the role or the URL gives to a session that sets none: where a handler's own tables are.
 */
export async function readPath(db: Database): Promise<string> {
  const { rows } = await sql<{ path: string }>`
    select pg_catalog.current_setting('search_path') as path`.execute(db);
  return rows[0]?.path ?? '';
}
