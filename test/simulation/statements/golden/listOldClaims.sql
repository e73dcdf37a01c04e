select id from carillon.claim
 where replica = $1 and claimed_at < clock_timestamp() - make_interval(secs => $2::float8);
