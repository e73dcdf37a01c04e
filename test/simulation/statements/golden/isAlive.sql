select 1 from carillon.replica
 where number = $1 and incarnation = $2 and state in ('active', 'draining');
