select carillon.release_hold($1::uuid, $2::text, $3::bigint) as "wasHeld",
       exists (select from carillon.lock_wait w where w.tenant_id = $4 and w.name = $5) as "isAwaited";
