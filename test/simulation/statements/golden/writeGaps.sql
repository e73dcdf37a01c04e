with asked as materialized (
  select *
    from unnest($1::bigint[],
                $2::timestamptz[],
                $3::timestamptz[])
         with ordinality as a (id, from_at, rest_from, number)),
shortened as (
  update carillon.schedule_gap g set from_at = a.rest_from
    from asked a
   where g.id = any($4::bigint[]) and g.id = a.id and g.from_at = a.from_at and a.rest_from is not null
  returning a.number, g.schedule_id, g.tenant_id),
closed as (
  delete from carillon.schedule_gap g using asked a
   where g.id = any($5::bigint[]) and g.id = a.id and g.from_at = a.from_at and a.rest_from is null
  returning a.number, g.schedule_id, g.tenant_id)
insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, reason, term)
select g.schedule_id, f.due_at, g.tenant_id, f.outcome, f.reason, $6
  from unnest($7::bigint[],
              $8::timestamptz[],
              $9::text[],
              $10::text[]) as f (number, due_at, outcome, reason)
  join (select * from shortened union all select * from closed) g on g.number = f.number
on conflict (schedule_id, due_at) do nothing;
