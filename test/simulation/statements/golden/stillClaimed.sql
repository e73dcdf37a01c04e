select e.place::int - 1 as place
  from unnest($1::uuid[],
              $2::int[],
              $3::uuid[]) with ordinality as e (id, attempt, claim_id, place)
  join carillon.claim c on c.id = e.claim_id and c.replica = $4 and e.id = any(c.run_ids)
 where exists (select 1 from carillon.run r where r.id = e.id and r.attempt = e.attempt);
