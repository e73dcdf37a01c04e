// Lists the holders that keep the server from removing dead rows. A deleted row is kept for as long as the oldest
// snapshot might read it: that of a session with a transaction in this database, of a standby that sends feedback, of a
// forgotten prepared transaction, or of a replication slot. The text of their statements may hold secrets and is not
// read.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { HorizonHolder } from './decisions/horizon-watch.js';

/** Without this session. Only a member of pg_read_all_stats sees details of other users' sessions. */
export async function listHorizonHolders(db: Database): Promise<HorizonHolder[]> {
  const { rows } = await sql<HorizonHolder>`
    select 'session' as kind, coalesce(backend_xmin, backend_xid)::text as xmin, pid, nullif(application_name, '') as application,
           usename as "user", state, null as name, query_start as "queryStartedAt",
           (extract(epoch from clock_timestamp() - xact_start) * 1000)::float8 as "ageMs"
      from pg_stat_activity
     where (backend_xmin is not null or backend_xid is not null) and pid <> pg_backend_pid()
       and (datname = current_database() and backend_type <> 'autovacuum worker' or backend_type = 'walsender')
     union all
    select 'prepared', transaction::text, null, null, owner, 'prepared', gid, null,
           (extract(epoch from clock_timestamp() - prepared) * 1000)::float8
      from pg_prepared_xacts where database = current_database()
     union all
    select 'slot', xmin::text, active_pid, null, null, case when active then 'active' else 'inactive' end, slot_name, null, null
      from pg_replication_slots where xmin is not null`.execute(db);
  return rows;
}
