with held as materialized (select unnest(run_ids) as id from carillon.claim),
gone as (
  delete from carillon.run r
   where r.id = any($1::uuid[])
     and (r.cancel_requested_at is not null or r.deadline <= statement_timestamp())
     and not exists (select 1 from held where held.id = r.id)
     and not exists (select 1 from carillon.lease l where l.run_id = r.id)
  returning *),
moved as (
  insert into carillon.run_history (id, tenant_id, slot, job_type, schedule_id, due_at, payload, priority, run_at,
    past_attempts, created_at, queue, concurrency_key, deadline, tags, locks, progress, unique_key, unique_window,
    attempt, outcome, finished_at, error)
  select id, tenant_id, slot, job_type, schedule_id, due_at, payload, priority, run_at, past_attempts, created_at,
    queue, concurrency_key, deadline, tags, locks, progress, unique_key, unique_window, attempt,
         case when cancel_requested_at is null then 'expired' else 'cancelled' end, clock_timestamp(),
         case when cancel_requested_at is null then $2::jsonb end
    from gone
  returning id, schedule_id, due_at, outcome),
decided as (
  update carillon.fire f
     set outcome = case when m.outcome = 'cancelled' then 'skipped' else 'missed' end, reason = m.outcome
    from moved m
   where f.schedule_id = "m"."schedule_id" and f.due_at = "m"."due_at" and "m"."due_at" between '-infinity'
     and 'infinity' and f.outcome = 'planned')
select id from moved;
