update carillon.claim set started = coalesce(started, '{}') || $1::jsonb
 where id = $2 and replica = $3;
