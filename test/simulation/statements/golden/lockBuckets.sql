insert into carillon.rate_bucket as b (tenant_id, job_type, spent_until)
select k.tenant_id, k.job_type, clock_timestamp() - interval '1 hour'
  from unnest($1::uuid[], $2::text[]) as k (tenant_id, job_type)
  join carillon.tenant t on t.id = k.tenant_id
 order by k.tenant_id, k.job_type
on conflict (tenant_id, job_type) do update set spent_until = b.spent_until
returning b.tenant_id as "tenantId", b.job_type as "jobType",
          extract(epoch from b.spent_until)::float8 * 1000 as "spentUntilMs",
          extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs";
