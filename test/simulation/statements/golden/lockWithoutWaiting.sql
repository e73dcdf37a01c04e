select id from carillon.run
 where id = any($1::uuid[]) and (tenant_id = $2 or $3::uuid is null)
 order by id
   for update skip locked;
