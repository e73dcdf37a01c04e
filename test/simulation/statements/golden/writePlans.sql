with advanced as (
  update carillon.schedule s
     set next_due_at = a.due_to
    from unnest($1::uuid[],
                $2::timestamptz[],
                $3::timestamptz[],
                $4::bigint[])
           with ordinality as a (id, due_from, due_to, revision, number)
   where s.id = any($5::uuid[]) and s.id = a.id and date_trunc('milliseconds', s.next_due_at) = a.due_from
     and s.revision = a.revision
  returning a.number, s.id, s.tenant_id, s.slot, s.job_type, s.payload, s.queue, s.concurrency_key, s.tags, s.priority,
    s.deadline_seconds, s.jitter_ms, s.locks),
wanted as materialized (
  select s.*, f.due_at, f.run_id, f.outcome, f.reason, f.turn
    from unnest($6::bigint[],
                $7::timestamptz[],
                $8::uuid[],
                $9::text[],
                $10::text[],
                $11::integer[]) as f (number, due_at, run_id, outcome, reason, turn)
    join advanced s on s.number = f.number),
decided as (
  insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, reason, run_id, term, jitter_ms)
  select w.id, w.due_at, w.tenant_id, coalesce(w.outcome, 'planned'), w.reason, w.run_id, $12, w.jitter_ms
    from wanted w
  on conflict (schedule_id, due_at) do nothing
  returning run_id),
placed as (
  insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, due_at, payload, run_at, queue, concurrency_key,
    tags, priority, deadline, locks)
  select w.run_id, w.tenant_id, w.slot, w.job_type, w.id, w.due_at, w.payload, start.run_at, coalesce(w.queue,
    'default'), w.concurrency_key, w.tags,
         coalesce(w.priority, 0), greatest(start.run_at, now()) + w.deadline_seconds * interval '1 s', w.locks
    from wanted w
   cross join lateral (select w.due_at + coalesce(w.jitter_ms, 0) * interval '1 ms' as at) planned
   cross join lateral (select case when w.turn is null then planned.at
                                   else greatest(planned.at,
                                     now() + w.turn * interval '1 microsecond') end as run_at) start
   where (w.run_id in (select run_id from decided where run_id is not null)) is true
  returning slot, run_at)
select distinct slot from placed where run_at < now() + make_interval(secs => $13::float8);
