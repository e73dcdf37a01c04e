with blocking as materialized (
  select b.run_id, not exists (select 1 from carillon.run r where r.id = b.run_id
    and r.tenant_id = b.tenant_id) as is_over
    from carillon.key_block b
   where b.tenant_id = $1 and b.run_id = $2
     for update),
gone as (
  delete from carillon.key_block b using blocking
   where b.tenant_id = $3 and b.run_id = blocking.run_id and blocking.is_over
  returning b.run_id)
select is_over as "isOver" from blocking;
