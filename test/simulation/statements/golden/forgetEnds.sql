delete from carillon.ended_lease
 where id in (select id from carillon.ended_lease
               where ended_at < clock_timestamp() - $1 * interval '1 ms' order by ended_at limit $2);
