update carillon.leadership
   set term = term + 1, holder = $1, replica = $2, elected_at = clock_timestamp()
 where id = 1 and
   exists (select 1 from pg_locks
            where locktype = 'advisory' and pid = pg_backend_pid() and granted
              and database = (select oid from pg_database where datname = current_database())
              and classid = $3::bigint::oid and objid = 0 and objsubid = 2)
returning term;

update carillon.leadership
   set term = term + 1, holder = $1, replica = $2, elected_at = clock_timestamp()
 where id = 1 and term = $3
returning term;
