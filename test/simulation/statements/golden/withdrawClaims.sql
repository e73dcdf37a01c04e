insert into carillon.claim as c (id, replica, run_ids)
select unsure.id, $1, '{}' from unnest($2::uuid[]) as unsure (id)
on conflict (id) do update set run_ids = '{}' where c.replica = excluded.replica;
