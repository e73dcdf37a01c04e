delete from carillon.claim
where replica = $1 and id = any($2::uuid[]);
