select slot, tenant_id as "tenantId", lane, paused, weight, tenant, job_type as "jobType", locks, runs, at_ms as "atMs",
  took_ms as "tookMs"
  from carillon.look_and_claim(
         $1, $2, $3,
         $4::smallint[],
         $5::bigint[],
         $6::uuid[],
         $7, $8, $9, $10, $11);
