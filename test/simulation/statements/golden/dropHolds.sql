update carillon.run
set holds = null
where id = any($1::uuid[]) and holds is not null;
