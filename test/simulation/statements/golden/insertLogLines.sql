with turn as materialized (select pg_advisory_xact_lock($1, 0))
insert into carillon.run_log (run_id, seq, at, attempt, replica, level, message, fields)
select l.run_id, nextval('carillon.run_log_seq'), l.at, l.attempt, l.replica, l.level, l.message, l.fields::jsonb
  from turn
 cross join unnest($2::uuid[],
                   $3::timestamptz[],
                   $4::int[],
                   $5::int[],
                   $6::text[],
                   $7::text[],
                   $8::text[]) as l (run_id, at, attempt, replica, level, message, fields);
