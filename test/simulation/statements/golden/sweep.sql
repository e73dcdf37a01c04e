select r.number as replica, r.state, r.roles, r.weight, r.preference, h.beat,
       exists (select 1 from pg_locks l
                where l.locktype = 'advisory' and l.granted
                  and l.database = (select oid from pg_database where datname = current_database())
                  and l.classid = $1::bigint::oid and l.objid = r.number::oid and l.objsubid = 2) as "lockHeld",
       (select count(*) from pg_stat_activity a
         where a.datname = current_database() and a.application_name = 'carillon:' || r.number) as sessions,
       h.server_started_at = greatest(pg_postmaster_start_time(),
         pg_stat_get_bgwriter_stat_reset_time()) as "sameServer"
  from carillon.replica r join carillon.heartbeat h on h.replica = r.number
 where r.state in ('active', 'draining')
 order by r.number;
