insert into carillon.key_block (tenant_id, job_type, key, run_id, slot, lane)
select tenant_id, job_type, substr(concurrency_key, 16), id, slot, lane
  from carillon.run
 where id = any($1::uuid[]) and concurrency_key like 'overlap/strict/_%'
 order by id
on conflict do nothing;
