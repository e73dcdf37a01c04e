select n.id::float8 as id, n.schedule_id as "scheduleId", n.due_at as "dueAt", f.start_at as "startAt",
  f.end_at as "endAt", f.id is not null as "isOfItsSpec"
  from (select *, row_number() over (partition by tenant_id order by id) as place
          from carillon.due_note where not is_placed
         order by place, id
         limit $1) n
  left join carillon.schedule_following f on f.id = n.following_id
 order by n.place, n.id;
