-- Schedules whose runs fail one after the other pause by themselves, if they say so.

alter table carillon.schedule
  -- Null for a schedule that never pauses by itself.
  add column pause_after_failures smallint check (pause_after_failures > 0),
  -- Failures from before count no more: it was resumed then.
  add column failures_since timestamptz;

-- One row for each failed run of such a schedule, until the leader has looked at the schedule. No key but its number: two
-- settlements that fail runs of the same schedules in another order must not wait for each other.
create table carillon.schedule_failure (
  id bigint generated always as identity primary key,
  schedule_id uuid not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- How many of the last runs failed one after the other, at most a hundred. Cancelled ones say nothing. Run ids are in the
-- order in which the runs were planned.
create function carillon.consecutive_failures(of_schedule uuid, since timestamptz) returns integer
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(min(number) filter (where outcome = 'succeeded') - 1, count(*))::integer
    from (select outcome, row_number() over () as number
            from (select outcome
                    from carillon.run_history
                   where schedule_id = of_schedule and outcome <> 'cancelled' and (since is null or finished_at > since)
                   order by id desc
                   limit 100) last) numbered;
end;

-- By a trigger, since runs end in many places: an owner, a worker, a leader that finds a poisoned or an expired one.
create function carillon.note_schedule_failure() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into carillon.schedule_failure (schedule_id)
  select id from carillon.schedule where id = new.schedule_id and pause_after_failures is not null;
  return null;
end
$$;
create trigger note_schedule_failure after insert on carillon.run_history
  for each row when (new.schedule_id is not null and new.outcome in ('failed', 'dead-lettered', 'expired'))
  execute function carillon.note_schedule_failure();

-- A schedule that has failed as often already as it says from now on pauses at once.
create function carillon.note_pause_after_failures() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into carillon.schedule_failure (schedule_id) values (new.id);
  return null;
end
$$;
create trigger note_pause_after_failures after update of pause_after_failures on carillon.schedule
  for each row when (new.pause_after_failures is not null and new.pause_after_failures is distinct from old.pause_after_failures)
  execute function carillon.note_pause_after_failures();

create function carillon.note_resume() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  new.failures_since := clock_timestamp();
  return new;
end
$$;
create trigger note_resume before update of state on carillon.schedule
  for each row when (old.state = 'paused' and new.state <> 'paused') execute function carillon.note_resume();
