with asked as materialized (
  select $1::uuid[] as schedules,
         $2::timestamptz[] as dues,
         $3::timestamptz[] as starts)
update carillon.fire f
   set started_at = s.started_at,
       outcome = case when s.started_at - s.due_at - coalesce(f.jitter_ms,
         0) * interval '1 ms' > make_interval(secs => $4::float8)
                      then 'late' else 'fired' end
  from asked cross join lateral unnest(asked.schedules, asked.dues, asked.starts) as s (schedule_id, due_at, started_at)
 where f.schedule_id = "s"."schedule_id" and f.due_at = "s"."due_at" and "s"."due_at" between '-infinity' and 'infinity'
   and f.outcome = 'planned' and f.due_at between $5::timestamptz and $6::timestamptz;
