update carillon.run
   set cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())
 where id = any($1::uuid[]) and tenant_id = $2
returning id;
