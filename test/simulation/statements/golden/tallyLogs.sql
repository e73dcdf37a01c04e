select run_id as "runId", count(*)::int as lines,
       sum(octet_length(message) + coalesce(octet_length(fields::text), 0))::int as bytes,
       bool_or(message = $1) as "isFull"
  from carillon.run_log
 where run_id = any($2::uuid[])
 group by run_id;
