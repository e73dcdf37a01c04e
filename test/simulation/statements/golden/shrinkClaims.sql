update carillon.claim
   set run_ids = array(select held from unnest(run_ids) as held where held <> all($1::uuid[]))
 where id = any($2::uuid[]);
