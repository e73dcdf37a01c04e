// The lock of migrations: one transaction migrates at a time. The key is Kysely's, whose Migrator took it by session in
// earlier versions of this program, so that an old and a new version don't migrate at the same time.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';

/** As in Kysely's PostgresAdapter. */
const MIGRATION_LOCK = 3_853_314_791_062_309_107n;

/** Fails with a lock timeout when another transaction or session holds it for as long. */
export async function lockMigrations(tx: Tx, waitMs: number): Promise<void> {
  await sql`select set_config('lock_timeout', ${String(waitMs)}, true)`.execute(tx);
  await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK}::bigint)`.execute(tx);
}

export interface LockHolder {
  pid: number;
  applicationName: string;
  state: string | null;
  sinceSeconds: number;
}

/**
 * Null when it is free by now. The statements of another user's session are visible only with the right to see them.
 */
export async function migrationLockHolder(db: Database): Promise<LockHolder | null> {
  const { rows } = await sql<LockHolder>`
    select held.pid, coalesce(session.application_name, '') as "applicationName", session.state,
           coalesce(extract(epoch from clock_timestamp() - session.state_change), 0)::int as "sinceSeconds"
      from pg_locks held left join pg_stat_activity session on session.pid = held.pid
     where held.locktype = 'advisory' and held.granted and held.objsubid = 1
       and held.database = (select oid from pg_database where datname = current_database())
       and ((held.classid::bigint << 32) | held.objid::bigint) = ${MIGRATION_LOCK}::bigint
     limit 1`.execute(db);
  return rows[0] ?? null;
}
