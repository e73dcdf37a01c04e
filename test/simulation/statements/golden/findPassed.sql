with asked as materialized (
  select a.run_id, a.schedule_id, a.due_at, o.to_at
    from unnest($1::uuid[],
                $2::uuid[],
                $3::timestamptz[],
                $4::timestamptz[]) as a (run_id, schedule_id, due_at, run_at)
   cross join lateral (
     select to_at from carillon.outage where from_at < a.run_at order by from_at desc limit 1) o
   where o.to_at > a.run_at + make_interval(secs => $5::float8))
select a.run_id as id, date_part('epoch', a.due_at) * 1000 as "dueMs", date_part('epoch', a.to_at) * 1000 as "endedMs",
       s.spec, s.catch_up as "catchUp",
       case when s.spec ->> 'kind' in ('delay', 'follow')
            then array(select date_part('epoch', k.due_at) * 1000
                         from (select due_at from carillon.fire
                                where schedule_id = a.schedule_id and due_at >= a.due_at and due_at <= a.to_at
                                union select s.next_due_at where s.next_due_at <= a.to_at
                                order by 1 limit 1000) k)
            else '{}' end as "knownMs"
  from asked a
 cross join lateral (
   select 1 from carillon.fire f
    where f.schedule_id = "a"."schedule_id" and f.due_at = "a"."due_at" and "a"."due_at" between '-infinity'
      and 'infinity' and f.run_id = a.run_id and f.outcome = 'planned' and f.reason is null
    limit 1) open
 cross join lateral (
   select spec, catch_up, next_due_at, spec_since from carillon.schedule where id = a.schedule_id limit 1) s
 where s.spec_since is null or s.spec_since < a.due_at;
