select 1 from carillon.leadership
 where id = 1 and term = $1 and holder = $2
   for share;
