with gone as (
  delete from carillon.run_history
   where tenant_id = $1 and id = any($2::uuid[]) and outcome = any($3::text[])
  returning *)
insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, due_at, payload, priority, run_at, attempt,
  past_attempts,
                          created_at, queue, concurrency_key, deadline, tags, locks, unique_key, unique_window)
select id, tenant_id, slot, job_type, schedule_id, due_at, payload, priority,
       greatest(case when due_at > clock_timestamp() then run_at end, clock_timestamp()), attempt + 1,
       -- The last attempt of a poison run is among the past ones already.
       case when (past_attempts -> -1 ->> 'attempt')::int = attempt then past_attempts
            else (case when jsonb_array_length("gone"."past_attempts") >= 100 then "gone"."past_attempts" - 0 else coalesce("gone"."past_attempts", '[]') end) || jsonb_strip_nulls(jsonb_build_object(
                   'attempt', attempt, 'outcome', case when outcome = 'dead-lettered' then 'failed' else outcome end,
                   'replica', replica, 'worker', worker, 'startedAt', started_at, 'finishedAt', finished_at, 'error',
                     error)) end,
       created_at, queue, concurrency_key, case when deadline > clock_timestamp() then deadline end, tags, locks,
         unique_key, unique_window
  from gone
returning id;
