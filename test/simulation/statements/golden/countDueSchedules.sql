select count(*)::int as count
  from (select 1 from carillon.schedule
         where next_due_at <= now() + make_interval(secs => $1::float8)
         limit $2) due;
