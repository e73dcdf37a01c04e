delete from carillon.claim
where id = any($1::uuid[]);
