delete from carillon.fire
 where schedule_id = $1 and due_at > $2 and outcome = 'skipped' and reason = $3;
