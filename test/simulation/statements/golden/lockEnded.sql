select id, unique_key as key,
       extract(epoch from statement_timestamp() + unique_window - statement_timestamp())::float8 * 1000 as "windowMs",
       schedule_id is not null and due_at is not null as "hasDueTime"
  from carillon.run_history
 where tenant_id = $1 and id = any($2::uuid[]) and outcome = any($3::text[])
 order by id
   for update;
