with held as materialized (select unnest(run_ids) as id from carillon.claim),
expired as (
  select id, slot from carillon.run r
   where deadline <= statement_timestamp() and not exists (select 1 from held where held.id = r.id)
     and not exists (select 1 from carillon.lease l where l.run_id = r.id and l.state = 'taken')
   order by deadline
   limit $1),
unwanted as (
  select id, slot from carillon.run r
   where cancel_requested_at is not null and not exists (select 1 from held where held.id = r.id)
     and not exists (select 1 from carillon.lease l where l.run_id = r.id and l.state = 'taken')
   order by cancel_requested_at
   limit $2)
select id, slot from expired union select id, slot from unwanted;
