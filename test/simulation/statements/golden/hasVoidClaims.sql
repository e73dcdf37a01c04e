select 1 from carillon.claim c
 where not exists (select 1 from carillon.replica r where r.number = c.replica and r.state in ('active', 'draining'))
 limit 1;
