update carillon.rate_bucket b
   set spent_until = to_timestamp(s.until_ms / 1000.0)
  from unnest($1::uuid[],
              $2::text[],
              $3::float8[]) as s (tenant_id, job_type, until_ms)
 where b.tenant_id = s.tenant_id and b.job_type = s.job_type;
