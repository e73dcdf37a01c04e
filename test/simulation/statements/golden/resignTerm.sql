update carillon.leadership
set holder = null, replica = null
where term = $1 and holder = $2;
