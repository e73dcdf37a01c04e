update carillon.run r
   set attempt = r.attempt + 1,
       failures = r.failures + e.failed,
       -- It does not run any more; a death that only finds it waiting must not be held against it.
       started_by = null,
       -- Without a delay it keeps the place that it had.
       run_at = case when e.delay_ms > 0 then clock_timestamp() + make_interval(secs => e.delay_ms / 1000.0) else r.run_at end,
       past_attempts = (case when jsonb_array_length("r"."past_attempts") >= 100 then "r"."past_attempts" - 0 else coalesce("r"."past_attempts", '[]') end) || e.record::jsonb
  from unnest($1::uuid[],
              $2::int[],
              $3::int[],
              $4::float8[],
              $5::text[]) as e (id, attempt, failed, delay_ms, record)
 where r.id = any($6::uuid[]) and r.id = e.id and r.attempt = e.attempt
returning r.id;
