delete from carillon.lock_wait w
 using unnest($1::uuid[], $2::text[]) as gone (tenant_id, holder)
 where w.tenant_id = gone.tenant_id and w.holder = gone.holder and w.replica = $3;
