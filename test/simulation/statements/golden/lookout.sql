select array[(select min(expires_at) from carillon.lease) is not null,
coalesce((select min(deadline) from carillon.run) <= statement_timestamp(), false)
or (select min(cancel_requested_at) from carillon.run) is not null,
  (select min(id) from carillon.schedule_failure) is not null, exists (select from carillon.schedule_following),
  (select min(id) from carillon.calendar_change) is not null,
  (select min(run_at) from carillon.run where slot <= -1) is not null] as answers;
