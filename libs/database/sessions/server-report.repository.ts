// Reads what an operator must know of the server: its version, its room for connections, and settings that weaken a
// promise of ours.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';

export interface ServerReport {
  /** As `180004`. */
  versionNumber: number;
  version: string;
  maxConnections: number;
  /** Kept free for superusers and roles that are admitted last. */
  reservedConnections: number;
  /** Of all roles, in all databases. */
  usedConnections: number;
  /** The connections among them that bear our names in this database. */
  ourConnections: number;
  isStandby: boolean;
  settings: Record<string, string>;
  /** Sessions of replicas in this database that this login may not end. */
  unendableSessions: number;
  /** Whether the sessions of other users can be seen. */
  seesOthers: boolean;
  now: Date;
}

const SETTINGS = ['fsync', 'synchronous_commit', 'full_page_writes', 'autovacuum', 'track_counts'];

export async function reportServer(db: Database): Promise<ServerReport> {
  const { rows } = await sql<ServerReport>`
    select current_setting('server_version_num')::int as "versionNumber", current_setting('server_version') as version,
           current_setting('max_connections')::int as "maxConnections",
           current_setting('superuser_reserved_connections')::int
             + coalesce(current_setting('reserved_connections', true), '0')::int as "reservedConnections",
           (select count(*) from pg_stat_activity where backend_type = 'client backend') as "usedConnections",
           (select count(*) from pg_stat_activity where datname = current_database() and application_name like 'carillon%') as "ourConnections",
           pg_is_in_recovery() as "isStandby",
           (select jsonb_object_agg(name, setting) from pg_settings where name = any(${SETTINGS}::text[])) as settings,
           (select count(*) from pg_stat_activity
             where datname = current_database() and application_name like 'carillon:%'
               and not (pg_has_role(session_user, usesysid, 'usage') or pg_has_role(current_user, usesysid, 'usage')
                        or pg_has_role(session_user, 'pg_signal_backend', 'usage')
                        or pg_has_role(current_user, 'pg_signal_backend', 'usage'))) as "unendableSessions",
           pg_has_role(current_user, 'pg_read_all_stats', 'usage') as "seesOthers",
           clock_timestamp() as now`.execute(db);
  const [report] = rows;
  if (report === undefined) throw new Error('expected one row about the server, got none');
  return report;
}
