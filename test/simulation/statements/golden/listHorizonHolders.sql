select 'session' as kind, coalesce(backend_xmin, backend_xid)::text as xmin, pid, nullif(application_name,
  '') as application,
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
select 'slot', xmin::text, active_pid, null, null, case when active then 'active' else 'inactive' end, slot_name, null,
  null
  from pg_replication_slots where xmin is not null;
