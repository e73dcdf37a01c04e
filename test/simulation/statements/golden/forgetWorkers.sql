delete from carillon.worker
 where id in (select id from carillon.worker where heartbeat_at < clock_timestamp() - $1 * interval '1 ms' order by heartbeat_at limit $2)
   and heartbeat_at < clock_timestamp() - $3 * interval '1 ms';
