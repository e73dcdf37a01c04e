select exists (select from carillon.schedule_following) as "isAny",
       exists (select from carillon.due_note where not is_placed) as "isNoted",
       exists (select from carillon.due_note where is_placed and due_at < now() + interval '3 minutes') as "isSoon";
