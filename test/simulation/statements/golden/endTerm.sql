update carillon.leadership
set term = term + 1, holder = null, replica = null, elected_at = null
where id = 1
returning term;
