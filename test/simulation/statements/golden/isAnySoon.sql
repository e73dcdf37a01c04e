select exists (select from carillon.due_note where is_placed and due_at < now() + interval '3 minutes') as "isAny";
