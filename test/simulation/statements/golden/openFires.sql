with asked as materialized (
  select id, schedule_id, due_at from carillon.run_history
   where tenant_id = $1 and id = any($2::uuid[]) and schedule_id is not null and due_at is not null
   order by schedule_id, due_at),
locked as materialized (
  select a.*, f.run_id as holder
    from asked a cross join lateral (
      select run_id from carillon.fire f where f.schedule_id = "a"."schedule_id" and f.due_at = "a"."due_at"
        and "a"."due_at" between '-infinity' and 'infinity' limit 1 for no key update) f),
opened as (
  update carillon.fire f
     set outcome = 'planned', reason = 'retry', started_at = null, planned_at = clock_timestamp()
    from locked l
   where f.schedule_id = "l"."schedule_id" and f.due_at = "l"."due_at" and "l"."due_at" between '-infinity'
     and 'infinity' and l.holder = l.id and f.outcome in ('missed', 'coalesced', 'skipped'))
select id, holder from locked where holder <> id;
