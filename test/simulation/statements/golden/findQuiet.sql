select s.id
  from carillon.schedule_following c
  join carillon.schedule s on s.id = c.schedule_id
 where c.followed_id = c.schedule_id and s.next_due_at is null and not (s.state = 'paused' and s.paused_until is null)
   and coalesce(c.end_at > now(), true)
   and not exists (select from carillon.run r where r.schedule_id = s.id and r.due_at is not null)
 limit $1;
