with withdrawn as (
  delete from carillon.lease l using carillon.run r
   where l.id = any(array(select o.id from carillon.lease o
                           where o.run_id = any($1::uuid[]) and o.state = 'offered' for update skip locked))
     and r.id = l.run_id
     and (l.tenant_id = $2 or $3::uuid is null
       and (r.cancel_requested_at is not null or r.deadline <= statement_timestamp()))
  returning l.run_id, l.attempt, l.run_at)
update carillon.run r set run_at = w.run_at
  from withdrawn w
 where r.id = any($4::uuid[]) and r.id = w.run_id and r.attempt = w.attempt;
