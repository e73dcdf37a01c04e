with asked as materialized (
  select $1::uuid[] as schedules, $2::timestamptz[] as dues,
         $3::text[] as outcomes, $4::text[] as reasons)
update carillon.fire f
   set outcome = e.outcome, reason = e.reason
  from asked cross join lateral unnest(asked.schedules, asked.dues, asked.outcomes, asked.reasons) as e (schedule_id,
    due_at, outcome, reason)
 where f.schedule_id = "e"."schedule_id" and f.due_at = "e"."due_at" and "e"."due_at" between '-infinity' and 'infinity'
   and f.outcome = 'planned';
