select pg_try_advisory_lock($1, 0) as held, l.term, l.replica as leader,
          (select b.beat from carillon.heartbeat b join carillon.replica lr on lr.number = b.replica
            where b.replica = l.replica and lr.state in ('active', 'draining')) as "leaderBeat"
  from carillon.leadership l;
