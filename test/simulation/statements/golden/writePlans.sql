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
decided as (
  insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, reason, run_id, term, jitter_ms)
  select s.id, f.due_at, s.tenant_id, coalesce(f.outcome, 'planned'), f.reason, f.run_id, $6, s.jitter_ms
    from unnest($7::bigint[],
                $8::timestamptz[],
                $9::uuid[],
                $10::text[],
                $11::text[]) as f (number, due_at, run_id, outcome, reason)
    join advanced s on s.number = f.number
  on conflict (schedule_id, due_at) do nothing
  returning schedule_id, due_at, run_id),
placed as (
  insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, due_at, payload, run_at, queue, concurrency_key,
    tags, priority, deadline, locks)
  select d.run_id, s.tenant_id, s.slot, s.job_type, s.id, d.due_at, s.payload, start.run_at, coalesce(s.queue,
    'default'), s.concurrency_key, s.tags,
         coalesce(s.priority, 0), greatest(start.run_at, now()) + s.deadline_seconds * interval '1 s', s.locks
    from decided d
    join advanced s on s.id = d.schedule_id
   cross join lateral (select d.due_at + coalesce(s.jitter_ms, 0) * interval '1 ms' as at) planned
    left join unnest($12::uuid[]) with ordinality as c (run_id, turn) on c.run_id = d.run_id
   cross join lateral (select case when c.turn is null then planned.at
                                   else greatest(planned.at,
                                     now() + (c.turn - 1) * interval '1 microsecond') end as run_at) start
   where d.run_id is not null
  returning slot, run_at)
select distinct slot from placed where run_at < now() + make_interval(secs => $13::float8);
