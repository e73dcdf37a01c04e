insert into carillon.cluster_event (type, replica, data)
select 'run-restarted', lost.replica, jsonb_build_object('by', $1::int, 'run', lost.run)
  from (select (past_attempts -> -1 ->> 'replica')::int as replica, min(id::text) as run
          from carillon.run
         where id = any($2::uuid[]) and past_attempts -> -1 ->> 'outcome' = 'lost'
         group by 1) lost
 where not exists (select 1 from carillon.cluster_event e where e.replica = lost.replica and e.type = 'run-restarted');
