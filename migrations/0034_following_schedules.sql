-- Schedules whose due times follow from runs: from the end of their own last one, or from the successes of another schedule.

-- One row for each such schedule, kept by a trigger: what of its spec the end of a run must know.
create table carillon.schedule_following (
  schedule_id uuid primary key references carillon.schedule (id) on delete cascade,
  -- Another spec makes another number: what was noted for the one before counts no more.
  id bigint generated always as identity unique,
  tenant_id uuid not null,
  -- The schedule itself where its own runs count. One that others follow can't be deleted; a tenant goes with all of them, so
  -- that is looked at when all are gone.
  followed_id uuid not null references carillon.schedule (id) deferrable initially deferred,
  delay_seconds integer not null check (delay_seconds >= 0),
  start_at timestamptz,
  end_at timestamptz
);
create index schedule_following_followed on carillon.schedule_following (followed_id);

-- Where the due time is null: the schedule is to be looked at, since a run of it has ended, or a due time got none. Else a run
-- of the schedule that it follows has succeeded. Such a note is placed when its due time has become one of the schedule's own,
-- unique among them, and stays until the ledger has it. No key but its number: two settlements must not wait for each other.
create table carillon.due_note (
  id bigint generated always as identity primary key,
  tenant_id uuid not null,
  schedule_id uuid not null,
  following_id bigint not null,
  due_at timestamptz,
  is_placed boolean not null default false
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index due_note_new on carillon.due_note (id) where not is_placed;
create index due_note_soon on carillon.due_note (due_at) where is_placed;
create index due_note_of_schedule on carillon.due_note (schedule_id, due_at);

create function carillon.note_followed_run() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into carillon.due_note (tenant_id, schedule_id, following_id, due_at)
  select f.tenant_id, f.schedule_id, f.id,
         case when f.schedule_id <> f.followed_id then new.finished_at + f.delay_seconds * interval '1 s' end
    from carillon.schedule_following f
   where f.followed_id = new.schedule_id and (f.schedule_id = f.followed_id or new.outcome = 'succeeded');
  return null;
end
$$;
create trigger note_followed_run after insert on carillon.run_history
  for each row when (new.schedule_id is not null and new.due_at is not null)
  execute function carillon.note_followed_run();

-- The due time of a schedule that waits for its own run may get none, or the schedule is resumed.
create function carillon.note_waiting_schedule() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into carillon.due_note (tenant_id, schedule_id, following_id)
  select tenant_id, schedule_id, id from carillon.schedule_following where schedule_id = new.id;
  return null;
end
$$;
create trigger note_waiting_schedule after update of next_due_at on carillon.schedule
  for each row when (new.next_due_at is null and new.spec ->> 'kind' = 'delay')
  execute function carillon.note_waiting_schedule();

-- One of a tenant at a time, so that two changes can't close a circle that neither of them sees. The schedule that is
-- followed is locked: it can't be deleted meanwhile.
create function carillon.note_following() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  followed uuid := new.id;
begin
  if tg_op = 'UPDATE' then
    delete from carillon.due_note where schedule_id = new.id;
    delete from carillon.schedule_following where schedule_id = new.id;
  end if;
  if coalesce(new.spec ->> 'kind', '') not in ('delay', 'follow') then
    return null;
  end if;
  if new.spec ->> 'kind' = 'follow' then
    -- 0x4341523A, see libs/database/advisory-locks.ts.
    perform pg_advisory_xact_lock(1128354362, hashtext(new.tenant_id::text));
    select id into followed from carillon.schedule where tenant_id = new.tenant_id and name = new.spec ->> 'schedule' for key share;
    if followed is null then
      raise exception 'expected the schedule that is followed, got none' using errcode = 'foreign_key_violation', constraint = 'schedule_following_is_there';
    end if;
    if exists (with recursive up (id) as (
                 select followed
                  union
                 select f.followed_id from up join carillon.schedule_following f on f.schedule_id = up.id)
               select from up where up.id = new.id) then
      raise exception 'expected schedules that follow each other in no circle, got one'
        using errcode = 'foreign_key_violation', constraint = 'schedule_following_is_no_circle';
    end if;
  end if;
  insert into carillon.schedule_following (schedule_id, tenant_id, followed_id, delay_seconds, start_at, end_at)
  values (new.id, new.tenant_id, followed, (new.spec ->> 'seconds')::integer, (new.spec ->> 'startAt')::timestamptz,
          (new.spec ->> 'endAt')::timestamptz);
  return null;
end
$$;
create trigger note_following after update of spec on carillon.schedule
  for each row when (new.spec is distinct from old.spec and (new.spec ->> 'kind' in ('delay', 'follow') or old.spec ->> 'kind' in ('delay', 'follow')))
  execute function carillon.note_following();
create trigger note_new_following after insert on carillon.schedule
  for each row when (new.spec ->> 'kind' in ('delay', 'follow'))
  execute function carillon.note_following();

-- What was left behind is decided by its spec alone: of due times that follow from runs it lists those that were known.
create function carillon.spec_of_gap(of_schedule uuid, spec jsonb, from_at timestamptz, to_at timestamptz) returns jsonb
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select case when spec ->> 'kind' <> 'follow' then spec
              else coalesce((select jsonb_build_object('kind', 'instants', 'instants',
                                                       jsonb_agg(to_char(n.due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') order by n.due_at))
                               from carillon.due_note n join carillon.schedule_following f on f.id = n.following_id
                              where n.schedule_id = of_schedule and n.is_placed and n.due_at >= from_at and n.due_at < to_at
                             having count(*) > 0), spec)
          end;
end;
