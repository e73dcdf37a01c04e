-- Named locks of tenants. A hold is a row with a lease on this server's clock and a token that only grows; a waiter is a row
-- with a ticket, and is served in the order of tickets. A lock is there as soon as it is named; only a semaphore is defined.

-- One for all locks, so that a token also grows over a lock's deletion: no row of the lock need remember it.
create sequence carillon.lock_token;
create sequence carillon.lock_ticket;

create table carillon.semaphore (
  tenant_id uuid not null references carillon.tenant (id) on delete cascade,
  name text not null,
  permits integer not null check (permits > 0),
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  revision bigint not null default 1,
  primary key (tenant_id, name)
);

-- No foreign keys: those of many holds would share-lock the tenant's row. Renewing changes no index.
create table carillon.lock_hold (
  tenant_id uuid not null,
  name text not null,
  token bigint not null default nextval('carillon.lock_token'),
  holder text not null,
  mode text not null check (mode in ('exclusive', 'shared', 'permits')),
  permits integer not null check (permits > 0),
  -- How often its holder has acquired it and not released it.
  depth integer not null default 1,
  acquired_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  primary key (tenant_id, name, token)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- A row for each lock that a waiter wants; all have its ticket.
create table carillon.lock_wait (
  tenant_id uuid not null,
  name text not null,
  ticket bigint not null,
  holder text not null,
  mode text not null,
  permits integer not null,
  -- Who asks for it; the place of a waiter whose replica is gone is passed over. Null between two requests of its caller.
  replica integer,
  until timestamptz not null,
  primary key (tenant_id, name, ticket)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index lock_wait_of_holder on carillon.lock_wait (tenant_id, holder);

-- The first waiter in line for the lock that is served before the holder named, or that holder; null for none.
create function carillon.first_in_line(of_tenant uuid, lock_name text, me text) returns text
  language sql volatile
  set search_path = pg_catalog, pg_temp
as $$
  select w.holder
    from carillon.lock_wait w
   where w.tenant_id = of_tenant and w.name = lock_name
     and (w.holder = me
          or w.until > clock_timestamp()
             and (w.replica is null
                  or exists (select from carillon.replica r where r.number = w.replica and r.state in ('active', 'draining'))))
   order by w.ticket
   limit 1
$$;

-- (Functions here look by the primary keys: a table that has just been empty is planned as if it still were.)

-- Takes all of the locks or none. Names are sorted and each there once, so that no two callers wait for each other. With a `wait`,
-- who gets none waits for them in the order of tickets: a later call by the same holder for the same locks keeps the place.
-- The advisory lock makes callers for one name take turns; what they read behind it is current in READ COMMITTED only.
create function carillon.acquire_locks(
  of_tenant uuid, me text, names text[], modes text[], counts integer[], lease interval, reentrant boolean, wait interval, by_replica integer
) returns table (name text, token bigint, expires_at timestamptz, ticket bigint)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
  -- A caller's open transaction, which has called try_lock(), may be in the way.
  set lock_timeout = '1s'
as $$
#variable_conflict use_column
declare
  is_free boolean := true;
  is_waiting boolean := false;
  kept bigint[] := array_fill(null::bigint, array[cardinality(names)]);
  first text;
  held record;
  bound integer;
  my_ticket bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'expected a transaction that is READ COMMITTED, got %', upper(current_setting('transaction_isolation')) using errcode = 'active_sql_transaction';
  end if;
  for place in 1 .. cardinality(names) loop
    perform pg_advisory_xact_lock(x'43415236'::integer, hashtext(of_tenant::text || names[place]));
  end loop;
  for place in 1 .. cardinality(names) loop
    if modes[place] = 'permits' then
      select s.permits into bound from carillon.semaphore s where s.tenant_id = of_tenant and s.name = names[place];
      if not found then
        raise exception 'expected a semaphore named %, found none', names[place] using errcode = 'no_data_found';
      end if;
      if counts[place] > bound then
        raise exception 'expected at most the % permits that semaphore % has, got %', bound, names[place], counts[place] using errcode = 'invalid_parameter_value';
      end if;
    end if;
    loop
      select count(*) as holds,
             coalesce(bool_or(h.mode <> modes[place]), false) as is_mixed,
             coalesce(sum(h.permits), 0) as taken,
             coalesce(bool_or(h.expires_at <= clock_timestamp()), false) as has_expired,
             coalesce(bool_or(h.holder = me), false) as is_mine,
             max(h.token) filter (where h.holder = me and h.mode = modes[place] and h.permits = counts[place]) as mine
        into held
        from carillon.lock_hold h
       where h.tenant_id = of_tenant and h.name = names[place];
      exit when not held.has_expired;
      -- Waits for a commit that check_lock() has just allowed: what it wrote comes before all that the new holder does. And for one
      -- of a renewal that came in time: its row stays, which is why they are counted again.
      delete from carillon.lock_hold h where h.tenant_id = of_tenant and h.name = names[place] and h.expires_at <= clock_timestamp();
    end loop;
    if reentrant and held.mine is not null then
      kept[place] := held.mine;
      continue;
    end if;
    if held.is_mine then
      -- It would wait for itself.
      return;
    end if;
    if held.holds > 0 and (held.is_mixed or modes[place] = 'exclusive' or modes[place] = 'permits' and held.taken + counts[place] > bound) then
      is_free := false;
      continue;
    end if;
    first := carillon.first_in_line(of_tenant, names[place], me);
    if first = me then
      is_waiting := true;
    elsif first is not null then
      is_free := false;
    end if;
  end loop;

  if is_free then
    if is_waiting then
      delete from carillon.lock_wait w where w.tenant_id = of_tenant and w.holder = me;
    end if;
    for place in 1 .. cardinality(names) loop
      if kept[place] is not null then
        return query
          update carillon.lock_hold h
             set depth = h.depth + 1, expires_at = greatest(h.expires_at, clock_timestamp() + lease)
           where h.tenant_id = of_tenant and h.name = names[place] and h.token = kept[place]
          returning h.name, h.token, h.expires_at, null::bigint;
      end if;
      -- One that was kept may have been released since it was counted.
      if kept[place] is null or not found then
        return query
          insert into carillon.lock_hold as h (tenant_id, name, holder, mode, permits, expires_at)
          values (of_tenant, names[place], me, modes[place], counts[place], clock_timestamp() + lease)
          returning h.name, h.token, h.expires_at, null::bigint;
      end if;
    end loop;
    return;
  end if;

  if wait is null then
    return;
  end if;
  select min(w.ticket) into my_ticket
    from carillon.lock_wait w
   where w.tenant_id = of_tenant and w.holder = me
  having array_agg(w.name || '/' || w.mode || '/' || w.permits order by w.name collate "C")
         = (select array_agg(n.name || '/' || n.mode || '/' || n.permits order by n.name collate "C") from unnest(names, modes, counts) as n (name, mode, permits));
  if my_ticket is null then
    delete from carillon.lock_wait w where w.tenant_id = of_tenant and w.holder = me;
    my_ticket := nextval('carillon.lock_ticket');
    insert into carillon.lock_wait (tenant_id, name, ticket, holder, mode, permits, replica, until)
    select of_tenant, n.name, my_ticket, me, n.mode, n.permits, by_replica, clock_timestamp() + wait
      from unnest(names, modes, counts) as n (name, mode, permits);
  else
    update carillon.lock_wait w set replica = by_replica, until = clock_timestamp() + wait where w.tenant_id = of_tenant and w.holder = me;
  end if;
  return query select null::text, null::bigint, null::timestamptz, my_ticket;
end
$$;

-- True when the token's hold had not expired. A hold that was acquired several times lasts until it was released as often.
create function carillon.release_hold(of_tenant uuid, lock_name text, of_token bigint) returns boolean
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
as $$
declare
  was_held boolean;
begin
  loop
    delete from carillon.lock_hold h
     where h.tenant_id = of_tenant and h.name = lock_name and h.token = of_token and h.depth = 1
    returning h.expires_at > clock_timestamp() into was_held;
    exit when found;
    update carillon.lock_hold h set depth = h.depth - 1
     where h.tenant_id = of_tenant and h.name = lock_name and h.token = of_token and h.depth > 1
    returning h.expires_at > clock_timestamp() into was_held;
    exit when found;
    -- Two that release one hold at once may both have found another depth.
    if not exists (select from carillon.lock_hold h where h.tenant_id = of_tenant and h.name = lock_name and h.token = of_token) then
      return false;
    end if;
  end loop;
  return was_held;
end
$$;

-- What follows is for callers' own transactions, as carillon.enqueue() is.

create function carillon.tenant_id_of(tenant_name text, must_be_active boolean) returns uuid
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  found_tenant record;
begin
  select t.id, t.state into found_tenant from carillon.tenant t where t.name = tenant_name;
  if not found then
    raise exception 'expected tenant % to exist, found none', coalesce(quote_literal(tenant_name), 'null') using errcode = 'no_data_found';
  end if;
  if must_be_active and found_tenant.state <> 'active' then
    raise exception 'expected tenant % to be active, got one that is %', quote_literal(tenant_name), found_tenant.state using errcode = 'object_not_in_prerequisite_state';
  end if;
  return found_tenant.id;
end
$$;

-- The token, or null when the lock is held, or waited for, by others. It is held once the caller's transaction is committed; until
-- then others wait for that transaction, up to a second at a time.
create function carillon.try_lock(
  tenant text,
  name text,
  holder text,
  lease interval default interval '30 seconds',
  mode text default 'exclusive',
  permits integer default 1,
  reentrant boolean default false
) returns bigint
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  got bigint;
begin
  if try_lock.name ~ '^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$' is not true then
    raise exception 'expected name to be 1 to 100 lower-case letters, digits, dots, dashes or underscores, got %', coalesce(quote_literal(try_lock.name), 'null') using errcode = 'invalid_parameter_value';
  end if;
  if length(try_lock.holder) between 1 and 200 is not true then
    raise exception 'expected holder to have 1 to 200 characters, got %', coalesce(length(try_lock.holder)::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  if try_lock.lease between interval '1 second' and interval '24 hours' is not true then
    raise exception 'expected lease to be from 1 second to 24 hours, got %', coalesce(try_lock.lease::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  if try_lock.mode in ('exclusive', 'shared', 'permits') is not true then
    raise exception 'expected mode to be exclusive, shared or permits, got %', coalesce(quote_literal(try_lock.mode), 'null') using errcode = 'invalid_parameter_value';
  end if;
  if (try_lock.permits = 1 or try_lock.permits > 1 and try_lock.mode = 'permits') is not true then
    raise exception 'expected permits to be 1, or more with mode permits, got %', coalesce(try_lock.permits::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  if try_lock.reentrant is null then
    raise exception 'expected reentrant to be true or false, got null' using errcode = 'invalid_parameter_value';
  end if;
  select a.token into got
    from carillon.acquire_locks(
           carillon.tenant_id_of(try_lock.tenant, true), try_lock.holder, array[try_lock.name], array[try_lock.mode], array[try_lock.permits],
           try_lock.lease, try_lock.reentrant, null, null) a;
  return got;
end
$$;

-- False when the lease has ended: the lock may be another's by now.
create function carillon.renew_lock(tenant text, name text, token bigint, lease interval default interval '30 seconds') returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  if renew_lock.lease between interval '1 second' and interval '24 hours' is not true then
    raise exception 'expected lease to be from 1 second to 24 hours, got %', coalesce(renew_lock.lease::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  update carillon.lock_hold h set expires_at = clock_timestamp() + renew_lock.lease
   where h.tenant_id = carillon.tenant_id_of(renew_lock.tenant, false) and h.name = renew_lock.name and h.token = renew_lock.token
     and h.expires_at > clock_timestamp();
  return found;
end
$$;

-- One row for each check in a transaction under way, gone with its commit.
create unlogged table carillon.lock_check (
  id bigint generated always as identity primary key,
  tenant_id uuid not null,
  name text not null,
  token bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create function carillon.require_hold(of_tenant uuid, lock_name text, of_token bigint) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
as $$
begin
  -- Shared until commit, for which the next holder waits. At the end of the transaction that is a moment, even if the caller is frozen.
  perform from carillon.lock_hold h
    where h.tenant_id = of_tenant and h.name = lock_name and h.token = of_token and h.expires_at > clock_timestamp()
      for share;
  if not found then
    raise exception 'expected lock % to be held with token %, got one that has expired or was released', quote_literal(lock_name), of_token using errcode = 'object_not_in_prerequisite_state';
  end if;
end
$$;

create function carillon.check_lock_at_commit() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from carillon.lock_check c where c.id = new.id;
  -- Otherwise the transaction has released the lock, and its commit is the end of the hold.
  if found then
    perform carillon.require_hold(new.tenant_id, new.name, new.token);
  end if;
  return null;
end
$$;
create constraint trigger check_lock_at_commit after insert on carillon.lock_check
  deferrable initially deferred
  for each row execute function carillon.check_lock_at_commit();

-- Raises an error when the token holds the lock no more; looks again when the transaction commits, which then fails. So nothing of a
-- stale holder's transaction is ever seen, however long it has slept in between.
create function carillon.check_lock(tenant text, name text, token bigint) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  of_tenant constant uuid := carillon.tenant_id_of(check_lock.tenant, false);
begin
  if not exists (select from carillon.lock_hold h
                  where h.tenant_id = of_tenant and h.name = check_lock.name and h.token = check_lock.token and h.expires_at > clock_timestamp()) then
    raise exception 'expected lock % to be held with token %, got one that has expired or was released', coalesce(quote_literal(check_lock.name), 'null'), coalesce(check_lock.token::text, 'null') using errcode = 'object_not_in_prerequisite_state';
  end if;
  insert into carillon.lock_check (tenant_id, name, token) values (of_tenant, check_lock.name, check_lock.token);
end
$$;

-- False when it was held no more. In a transaction that has checked it, too: the lock is free once that is committed.
create function carillon.release_lock(tenant text, name text, token bigint) returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  of_tenant constant uuid := carillon.tenant_id_of(release_lock.tenant, false);
begin
  if not carillon.release_hold(of_tenant, release_lock.name, release_lock.token) then
    return false;
  end if;
  if not exists (select from carillon.lock_hold h where h.tenant_id = of_tenant and h.name = release_lock.name and h.token = release_lock.token) then
    delete from carillon.lock_check c where c.tenant_id = of_tenant and c.name = release_lock.name and c.token = release_lock.token;
  end if;
  return true;
end
$$;

revoke execute on function carillon.try_lock, carillon.renew_lock, carillon.release_lock, carillon.check_lock from public;
