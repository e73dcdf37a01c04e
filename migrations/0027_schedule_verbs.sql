-- What is done to a schedule beside changing it: pauses that end by themselves.

alter table carillon.schedule
  add column paused_at timestamptz,
  -- Null for a pause that lasts until the schedule is resumed. One that has passed stays, since what was due before it may
  -- still be undecided.
  add column paused_until timestamptz,
  add column pause_reason text;
-- What no replica can write down; not validated, so that no schedule is read for it.
alter table carillon.schedule add constraint paused_until_is_of_the_years_1_to_9999
  check (paused_until >= '0001-01-01 00:00:00+00' and paused_until < '10000-01-01 00:00:00+00') not valid;

-- The pause's end as it was when the gap was left behind.
alter table carillon.schedule_gap add column paused_until timestamptz;

-- By a trigger, so that a replica of the version before, which knows no end of a pause, leaves none for the next pause.
create function carillon.note_pause() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if new.state = 'paused' then
    new.paused_at := coalesce(new.paused_at, clock_timestamp());
  else
    new.paused_at := null;
    new.paused_until := null;
    new.pause_reason := null;
  end if;
  return new;
end
$$;
create trigger note_pause before update of state on carillon.schedule
  for each row when (old.state is distinct from new.state) execute function carillon.note_pause();
