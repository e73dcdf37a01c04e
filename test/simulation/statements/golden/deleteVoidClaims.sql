with void as (
  select c.id from carillon.claim c
   where not exists (select 1 from carillon.replica r where r.number = c.replica and r.state in ('active', 'draining'))
   order by c.claimed_at
   limit $1
     for update skip locked)
delete from carillon.claim c using void where c.id = void.id
returning c.replica, c.run_ids as "runIds", c.started;
