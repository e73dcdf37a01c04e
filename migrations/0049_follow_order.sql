-- A schedule that is to follow another one locks that one before it waits for its tenant's turn. A request may hold the other one
-- while its own change waits for the turn: each then had what the other one waited for.
create or replace function carillon.note_following() returns trigger
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
    select id into followed from carillon.schedule where tenant_id = new.tenant_id and name = new.spec ->> 'schedule' for key share;
    if followed is null then
      raise exception 'expected the schedule that is followed, got none' using errcode = 'foreign_key_violation', constraint = 'schedule_following_is_there';
    end if;
    -- 0x4341523A, see libs/database/advisory-locks.ts. What is read next is what the one before in turn has committed.
    perform pg_advisory_xact_lock(1128354362, hashtext(new.tenant_id::text));
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
