with gone as (delete from carillon.run where id = any($1::uuid[]) returning *),
decided as (
  update carillon.fire f
     set outcome = 'late', reason = 'poison',
         started_at = coalesce((g.past_attempts -> -1 ->> 'startedAt')::timestamptz, clock_timestamp())
    from gone g
   where f.schedule_id = "g"."schedule_id" and f.due_at = "g"."due_at" and "g"."due_at" between '-infinity'
     and 'infinity' and f.outcome = 'planned')
insert into carillon.run_history (id, tenant_id, slot, job_type, schedule_id, due_at, payload, priority, run_at,
  past_attempts, created_at, queue, concurrency_key, deadline, tags, locks, progress, unique_key, unique_window,
  attempt, outcome, replica, started_at, finished_at, error)
select id, tenant_id, slot, job_type, schedule_id, due_at, payload, priority, run_at, past_attempts, created_at, queue,
  concurrency_key, deadline, tags, locks, progress, unique_key, unique_window, attempt - 1, 'dead-lettered', $2,
       (past_attempts -> -1 ->> 'startedAt')::timestamptz, clock_timestamp(), $3::jsonb
  from gone;
