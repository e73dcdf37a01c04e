update carillon.run r
   set run_at = clock_timestamp() + make_interval(secs => e.delay_ms / 1000.0), started_by = null
  from unnest($1::uuid[], $2::int[], $3::float8[]) as e (id, attempt, delay_ms)
 where r.id = any($4::uuid[]) and r.id = e.id and r.attempt = e.attempt
returning r.id;
