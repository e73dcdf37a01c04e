update carillon.run
set started_by = $1
where id = any($2::uuid[]);
