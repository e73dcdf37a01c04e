update carillon.heartbeat h
   set beat = beat + 1, beat_at = clock_timestamp(), server_started_at = greatest(pg_postmaster_start_time(),
     pg_stat_get_bgwriter_stat_reset_time())
  from carillon.replica r cross join carillon.leadership l
 where h.replica = $1 and r.number = h.replica and r.incarnation = $2
returning r.state,
          l.term, l.replica as leader,

          (select b.beat from carillon.heartbeat b join carillon.replica lr on lr.number = b.replica
            where b.replica = l.replica and lr.state in ('active', 'draining')) as "leaderBeat",
          (select coalesce(max(version), 0) from carillon.ring) as "ringVersion",
          clock_timestamp() as "databaseTime";
