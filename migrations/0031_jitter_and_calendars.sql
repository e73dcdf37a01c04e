-- Runs of a schedule may start later than they are due, by a distance of the schedule's own, so that not all of them start at
-- one instant.

alter table carillon.schedule
  -- Null for none: then runs start when they are due.
  add column jitter_seconds integer check (jitter_seconds > 0),
  -- The schedule's own distance, which follows from its id and the above.
  add column jitter_ms integer check (jitter_ms >= 0);

-- The distance with which the due time was planned, null for none: how late a run started is counted from there. A leader of
-- the version before plans without one, and an owner of the version before counts from the due time.
alter table carillon.fire add column jitter_ms integer;

-- Sets of dates that schedules leave out, or keep to.
create table carillon.calendar (
  id uuid primary key,
  tenant_id uuid not null references carillon.tenant (id) on delete cascade,
  name text not null,
  description text,
  -- As they were given.
  dates text[] not null,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  revision bigint not null default 1,
  -- The revision that changed the dates last.
  dates_revision bigint not null default 1,
  unique (tenant_id, name)
);

-- Which calendars does a schedule refer to, and of which revision are the dates that its spec has? A calendar that is used
-- can't be deleted.
create table carillon.schedule_calendar (
  schedule_id uuid not null references carillon.schedule (id) on delete cascade,
  calendar_id uuid not null references carillon.calendar (id),
  dates_revision bigint not null,
  primary key (schedule_id, calendar_id)
);
create index schedule_calendar_used on carillon.schedule_calendar (calendar_id, dates_revision);

-- One row for each change of a calendar's dates, until the leader has moved the schedules that refer to it.
create table carillon.calendar_change (
  id bigint generated always as identity primary key,
  calendar_id uuid not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create function carillon.note_calendar_change() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into carillon.calendar_change (calendar_id) values (new.id);
  return null;
end
$$;
create trigger note_calendar_change after update of dates_revision on carillon.calendar
  for each row when (new.dates_revision <> old.dates_revision)
  execute function carillon.note_calendar_change();

-- By a trigger, so that the table says what the spec says, also after a change by a replica of the version before. The
-- calendars are locked: either the change of one waits for this schedule and finds it, or the schedule is found to have
-- older dates, and moved by the leader.
create function carillon.note_schedule_calendars() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  wanted text[];
begin
  delete from carillon.schedule_calendar where schedule_id = new.id;
  if not new.spec ? 'calendars' then
    return null;
  end if;
  select array_agg(named.name order by named.name) into wanted
    from jsonb_each(new.spec -> 'calendars') side,
         jsonb_array_elements_text(side.value -> 'names') as named (name);
  perform from carillon.calendar where tenant_id = new.tenant_id and name = any(wanted) order by id for share;
  insert into carillon.schedule_calendar (schedule_id, calendar_id, dates_revision)
  select new.id, c.id, used.dates_revision
    from jsonb_each(new.spec -> 'calendars') side
   cross join lateral rows from (jsonb_array_elements_text(side.value -> 'names'),
                                 jsonb_array_elements_text(side.value -> 'revisions')) as named (name, revision)
   cross join lateral (select named.name, named.revision::bigint as dates_revision) used
    join carillon.calendar c on c.tenant_id = new.tenant_id and c.name = used.name;
  if (select count(*) from carillon.schedule_calendar where schedule_id = new.id) < cardinality(wanted) then
    raise exception 'expected the calendars that the schedule names, got % of which one is not there', wanted
      using errcode = 'foreign_key_violation', constraint = 'schedule_calendar_is_there';
  end if;
  insert into carillon.calendar_change (calendar_id)
  select u.calendar_id
    from carillon.schedule_calendar u join carillon.calendar c on c.id = u.calendar_id
   where u.schedule_id = new.id and u.dates_revision < c.dates_revision;
  return null;
end
$$;
create trigger note_new_schedule_calendars after insert on carillon.schedule
  for each row when (new.spec ? 'calendars')
  execute function carillon.note_schedule_calendars();
create trigger note_schedule_calendars after update of spec on carillon.schedule
  for each row when (new.spec ? 'calendars' or old.spec ? 'calendars')
  execute function carillon.note_schedule_calendars();
