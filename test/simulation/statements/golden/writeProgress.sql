with free as materialized (
  select r.id, n.progress, n.details
    from unnest($1::uuid[],
                $2::int[],
                $3::text[],
                $4::text[]) as n (id, attempt, progress, details)
    join carillon.run r on r.id = n.id and r.attempt = n.attempt
   where r.id = any($5::uuid[])
     for no key update of r )
update carillon.run r
   set progress = coalesce(n.progress::jsonb, r.progress), details = coalesce(n.details::jsonb, r.details)
  from free n
 where r.id = any($6::uuid[]) and r.id = n.id
returning r.id;

with free as materialized (
  select r.id, n.progress, n.details
    from unnest($1::uuid[],
                $2::int[],
                $3::text[],
                $4::text[]) as n (id, attempt, progress, details)
    join carillon.run r on r.id = n.id and r.attempt = n.attempt
   where r.id = any($5::uuid[])
     for no key update of r skip locked)
update carillon.run r
   set progress = coalesce(n.progress::jsonb, r.progress), details = coalesce(n.details::jsonb, r.details)
  from free n
 where r.id = any($6::uuid[]) and r.id = n.id
returning r.id;
