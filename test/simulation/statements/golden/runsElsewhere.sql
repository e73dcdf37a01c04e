select r.slot, r.id, r.tenant_id as "tenantId", r.job_type as "jobType", r.concurrency_key as "concurrencyKey",
  false as "isLeased"
  from carillon.claim c
 cross join lateral unnest(c.run_ids) as held (id)
 cross join lateral (select * from carillon.run where id = held.id limit 1) r
 where c.replica <> $1 and r.slot = any($2::smallint[])
 union all
select slot, run_id, tenant_id, job_type, concurrency_key, true from carillon.lease where slot = any($3::smallint[]);
