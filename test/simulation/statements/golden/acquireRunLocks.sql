select outcome, holds, ticket::float8 as ticket, why
  from carillon.acquire_run_locks($1::integer, $2::jsonb)
 order by place;
