with asked as materialized (select $1::uuid[] as ids),
gone as (
  delete from carillon.run where id = any((select ids from asked)::uuid[]) and attempt = $2 returning id, tenant_id,
    slot, job_type, schedule_id, due_at, payload, priority, run_at, past_attempts, created_at, queue, concurrency_key,
    deadline, tags, locks, progress, unique_key, unique_window, attempt),
kept as (
  insert into carillon.run_history (id, tenant_id, slot, job_type, schedule_id, due_at, payload, priority, run_at,
    past_attempts, created_at, queue, concurrency_key, deadline, tags, locks, progress, unique_key, unique_window,
    attempt, outcome, replica, started_at, finished_at, output, error)
  select g.id, g.tenant_id, g.slot, g.job_type, g.schedule_id, g.due_at, g.payload, g.priority, g.run_at,
    g.past_attempts, g.created_at, g.queue, g.concurrency_key, g.deadline, g.tags, g.locks, g.progress, g.unique_key,
    g.unique_window, g.attempt, coalesce(e.outcome, 'succeeded'),
    case when e.started_ms is null then null else $3::int end,
         to_timestamp(e.started_ms / 1000), to_timestamp(e.finished_ms / 1000), e.output::jsonb, e.error::jsonb
    from gone g
    join (select e.* from asked cross join lateral unnest(asked.ids,
                $4::text[],
                $5::float8[],
                $6::float8[],
                $7::text[],
                $8::text[]) as e (id, outcome, started_ms, finished_ms, output, error)) e
      on e.id = g.id)
select missing.id from asked cross join lateral unnest(asked.ids) as missing (id)
 where (select count(*) from gone) < cardinality(asked.ids) and missing.id not in (select id from gone);
