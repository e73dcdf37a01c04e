-- Runs that need locks. A job type names them; a run's attempt begins once it holds them, and they end with it. Holds of runs have
-- no lease: they last until the run's row says that the attempt is over, and that row has always one who ends it.

alter table carillon.job_type add column locks jsonb;

-- What its attempt holds: [{"name", "token"}]. Null for nearly all.
alter table carillon.run add column holds jsonb;

-- Null for a hold of a caller's.
alter table carillon.lock_hold add column run_id uuid;

-- Every path on which an attempt ends writes the run's row, so none can forget the locks: it ends, is put off, is another attempt,
-- or its owner says so. Only a run that holds any pays for more than the condition.
create function carillon.release_run_locks() returns trigger
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
as $$
begin
  if tg_op = 'UPDATE' then
    if new.holds is not null and new.attempt = old.attempt and (new.run_at = old.run_at or new.run_at = 'infinity') then
      return new;
    end if;
    if new.holds is not null and new.run_at = 'infinity' then
      -- Its lease is offered again as the next attempt. A worker may still act on the former one, whose tokens end here; the
      -- lock stays with the run, and no one comes between.
      with kept as (
        update carillon.lock_hold h
           set token = nextval('carillon.lock_token'), holder = 'run ' || new.id || '/' || new.attempt, acquired_at = clock_timestamp()
          from jsonb_to_recordset(old.holds) as k (name text, token bigint)
         where h.tenant_id = old.tenant_id and h.name = k.name and h.token = k.token
        returning h.name, h.token)
      select jsonb_agg(jsonb_build_object('name', kept.name, 'token', kept.token) order by kept.name) into new.holds from kept;
      return new;
    end if;
    new.holds := null;
  end if;
  delete from carillon.lock_hold h
   using jsonb_to_recordset(old.holds) as k (name text, token bigint)
   where h.tenant_id = old.tenant_id and h.name = k.name and h.token = k.token;
  -- As in release_lock(): a handler that completes its run has checked the lock in this transaction, and its commit ends the hold.
  delete from carillon.lock_check c
   using jsonb_to_recordset(old.holds) as k (name text, token bigint)
   where c.tenant_id = old.tenant_id and c.name = k.name and c.token = k.token;
  if tg_op = 'DELETE' then
    return old;
  end if;
  return new;
end
$$;
create trigger release_run_locks before update or delete on carillon.run
  for each row when (old.holds is not null)
  execute function carillon.release_run_locks();

-- Acquires locks for runs that are about to start, in their order: {"id", "tenant", "claim", "attempt", "lane", "inherits", "locks"}.
-- The caller holds its replica's gate, so no owner that was declared dead acquires anything. It never waits for another session:
-- locks that a caller's transaction tries right now are asked for again later.
--
--   held     its locks, with their tokens, are noted in its row
--   waits    it stands in line
--   busy     ask again in a moment
--   misfit   no semaphore can ever meet the wish; `why` says which
--   behind   an earlier run of its lane got none, and stands in line for both
--   gone     it is not this replica's any more
create function carillon.acquire_run_locks(by_replica integer, asked jsonb)
  returns table (place integer, outcome text, holds jsonb, ticket bigint, why text)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  one record;
  me text;
  kept jsonb;
  names text[];
  modes text[];
  counts integer[];
  closed integer[] := '{}';
begin
  for one in
    select e.number::integer as number, w.*
      from jsonb_array_elements(asked) with ordinality as e (value, number)
     cross join lateral jsonb_to_record(e.value)
             as w (id uuid, tenant uuid, claim uuid, attempt integer, lane integer, inherits text, locks jsonb)
     order by e.number
  loop
    place := one.number;
    holds := null;
    ticket := null;
    why := null;
    me := 'run ' || one.id || '/' || one.attempt;
    if one.lane = any(closed) then
      outcome := 'behind';
      return next;
      continue;
    end if;
    if not exists (select from carillon.run r
                     join carillon.claim c on c.id = one.claim and c.replica = by_replica and r.id = any(c.run_ids)
                    where r.id = one.id and r.tenant_id = one.tenant and r.attempt = one.attempt) then
      outcome := 'gone';
      return next;
      continue;
    end if;
    closed := closed || one.lane;
    outcome := 'busy';
    select r.holds into kept from carillon.run r where r.id = one.id and r.tenant_id = one.tenant and r.attempt = one.attempt for update skip locked;
    if not found then
      return next;
      continue;
    end if;
    select array_agg(w.name order by w.name collate "C"), array_agg(w.mode order by w.name collate "C"), array_agg(w.permits order by w.name collate "C")
      into names, modes, counts
      from jsonb_to_recordset(one.locks) as w (name text, mode text, permits integer);
    if kept is not null then
      -- Acquired before, by a start that did not come about.
      if jsonb_array_length(kept) = cardinality(names)
         and cardinality(names) = (select count(*)
                                     from unnest(names, modes, counts) as w (name, mode, permits)
                                     join jsonb_to_recordset(kept) as k (name text, token bigint) on k.name = w.name
                                     join carillon.lock_hold h on h.tenant_id = one.tenant and h.name = w.name and h.token = k.token
                                                                  and h.mode = w.mode and h.permits = w.permits) then
        outcome := 'held';
        holds := kept;
        closed := array_remove(closed, one.lane);
        return next;
        continue;
      end if;
      update carillon.run r set holds = null where r.id = one.id and r.tenant_id = one.tenant;
    end if;
    if not (select bool_and(pg_try_advisory_xact_lock(x'43415236'::integer, hashtext(one.tenant::text || n.name))) from unnest(names) as n (name)) then
      return next;
      continue;
    end if;
    if one.inherits is not null and one.inherits <> me then
      -- The place is the lane's: a run that came before the one that stood there takes it.
      delete from carillon.lock_wait w where w.tenant_id = one.tenant and w.holder = me;
      update carillon.lock_wait w set holder = me where w.tenant_id = one.tenant and w.holder = one.inherits;
    end if;
    begin
      select jsonb_agg(jsonb_build_object('name', g.name, 'token', g.token) order by g.name collate "C") filter (where g.token is not null), max(g.ticket)
        into holds, ticket
        from carillon.acquire_locks(one.tenant, me, names, modes, counts, interval '1 minute', false, interval '30 seconds', by_replica) g;
    exception
      when no_data_found or invalid_parameter_value then
        outcome := 'misfit';
        why := sqlerrm;
        return next;
        continue;
      when lock_not_available then
        return next;
        continue;
    end;
    if holds is not null then
      -- Its job type may have named others while it waited.
      delete from carillon.lock_wait w where w.tenant_id = one.tenant and w.holder = me;
      update carillon.lock_hold h
         set expires_at = 'infinity', run_id = one.id
        from jsonb_to_recordset(holds) as k (name text, token bigint)
       where h.tenant_id = one.tenant and h.name = k.name and h.token = k.token;
      update carillon.run r set holds = acquire_run_locks.holds where r.id = one.id and r.tenant_id = one.tenant;
      outcome := 'held';
      closed := array_remove(closed, one.lane);
    elsif ticket is not null then
      outcome := 'waits';
    end if;
    return next;
  end loop;
end
$$;

-- As it was, but a run's hold goes on without a lease.
create or replace function carillon.renew_lock(tenant text, name text, token bigint, lease interval default interval '30 seconds') returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  if renew_lock.lease between interval '1 second' and interval '24 hours' is not true then
    raise exception 'expected lease to be from 1 second to 24 hours, got %', coalesce(renew_lock.lease::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  update carillon.lock_hold h
     set expires_at = case when h.expires_at = 'infinity' then h.expires_at else clock_timestamp() + renew_lock.lease end
   where h.tenant_id = carillon.tenant_id_of(renew_lock.tenant, false) and h.name = renew_lock.name and h.token = renew_lock.token
     and h.expires_at > clock_timestamp();
  return found;
end
$$;
