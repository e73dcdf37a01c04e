select coalesce((select t.name from carillon.tenant t where t.id = asked.tenant), '') as tenant, found.*
  from unnest($1::uuid[], $2::text[])
       with ordinality as asked (tenant, job_type, number)
  left join lateral (
    select name, target, retry, limits, timeout_ms as "timeoutMs", revision, tenant_id is null as shared,
   payload_schema as "payloadSchema", output_schema as "outputSchema", heartbeat_ms as "heartbeatMs", locks,
     key_defaults as "keyDefaults", paused_at as "pausedAt",
   pause_reason as "pauseReason", created_at as "createdAt", updated_at as "updatedAt",
   (select case kind when 'queue' then allowed_queues when 'handler' then allowed_handlers end
      from carillon.tenant where id = tenant_id) as "allowedNames"
      from carillon.job_type
     where id = coalesce((select id from carillon.job_type where tenant_id = asked.tenant and name = asked.job_type),
       (select id from carillon.job_type where tenant_id is null and name = asked.job_type))
     limit 1) found on true
 order by number;
