update carillon.run r set holds = null
 where r.id = any($1::uuid[]) and r.holds is not null
   and exists (select from carillon.claim c where c.replica = $2 and r.id = any(c.run_ids));
