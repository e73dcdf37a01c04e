-- Keys whose runs start in their order. That a key is such a one is a part of the stored key (libs/kernel/keys/key-overlap.ts).

-- Of such a key at most one run is claimed at a time, the first that is due. What has a row here comes before it: a run that is
-- to be tried again, or that has failed for good. Of a run that retention has deleted the row stays. The run itself says why it
-- blocks: it waits or runs while it is in `run`, and has failed for good otherwise.
create table carillon.key_block (
  tenant_id uuid not null,
  job_type text not null,
  key text collate "C" not null,
  run_id uuid not null,
  slot smallint not null,
  -- The lane of the run: what waits behind it.
  lane text collate "C" not null,
  since timestamptz not null default clock_timestamp(),
  primary key (tenant_id, job_type, key)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create unique index key_block_of_run on carillon.key_block (run_id);

-- By triggers, since runs go back and end in many places: an owner, a worker, a leader that finds one lost, expired or poisoned;
-- and so that a replica of the version before, which lets such runs run side by side, keeps the rows as well. Another run that
-- blocks the key already stays the one that does.
create function carillon.note_run_to_try_again() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if new.concurrency_key = old.concurrency_key and new.job_type = old.job_type then
    insert into carillon.key_block (tenant_id, job_type, key, run_id, slot, lane)
    values (new.tenant_id, new.job_type, substr(new.concurrency_key, 16), new.id, new.slot, new.lane)
    on conflict do nothing;
  else
    delete from carillon.key_block where run_id = new.id;
  end if;
  return null;
end
$$;
create trigger note_run_to_try_again after update on carillon.run
  for each row when (old.concurrency_key like 'overlap/strict/_%'
                     and (new.attempt <> old.attempt or new.concurrency_key is distinct from old.concurrency_key or new.job_type <> old.job_type))
  execute function carillon.note_run_to_try_again();

-- What is cancelled or has expired blocks nothing.
create function carillon.note_run_of_strict_key() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if new.outcome not in ('failed', 'dead-lettered') then
    delete from carillon.key_block where run_id = new.id;
    return null;
  end if;
  insert into carillon.key_block as b (tenant_id, job_type, key, run_id, slot, lane)
  values (new.tenant_id, new.job_type, substr(new.concurrency_key, 16), new.id, new.slot,
          concat_ws('/', new.queue, new.job_type, new.concurrency_key))
  on conflict (tenant_id, job_type, key) do update set since = excluded.since where b.run_id = excluded.run_id;
  if found then
    insert into carillon.cluster_event (type, replica, data)
    select 'key-blocked', new.replica,
           jsonb_build_object('tenant', t.name, 'jobType', new.job_type, 'key', substr(new.concurrency_key, 16), 'run', new.id)
      from carillon.tenant t where t.id = new.tenant_id;
  end if;
  return null;
end
$$;
create trigger note_run_of_strict_key after insert on carillon.run_history
  for each row when (new.concurrency_key like 'overlap/strict/_%')
  execute function carillon.note_run_of_strict_key();

-- The concurrency_key for carillon.enqueue() of a run that starts in the order of its key.
create function carillon.strict_key(key text) returns text
  language plpgsql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  if length(strict_key.key) between 1 and 180 is not true then
    raise exception 'expected a concurrency key of 1 to 180 characters beside order strict, got %', coalesce(length(strict_key.key)::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  return 'overlap/strict/' || strict_key.key;
end
$$;

-- What a job type says of its runs that name a concurrency key and say nothing beside it.
alter table carillon.job_type add column key_defaults jsonb;

-- As in migrations/0036, but `allow` is written, too: it says that the job type's defaults do not apply.
create or replace function carillon.overlap_key(key text, mode text, max integer default null) returns text
  language plpgsql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  if overlap_key.mode in ('allow', 'skip', 'queue', 'replace', 'latest') is not true then
    raise exception 'expected overlap.mode to be allow, skip, queue, replace or latest, got %', coalesce(quote_literal(overlap_key.mode), 'null') using errcode = 'invalid_parameter_value';
  end if;
  if overlap_key.max is not null and overlap_key.mode <> 'queue' then
    raise exception 'expected overlap.max only with mode queue, got it with mode %', overlap_key.mode using errcode = 'invalid_parameter_value';
  end if;
  if overlap_key.max not between 1 and 1000 then
    raise exception 'expected overlap.max to be from 1 to 1000, got %', overlap_key.max using errcode = 'invalid_parameter_value';
  end if;
  if length(overlap_key.key) between 1 and 180 is not true then
    raise exception 'expected a concurrency key of 1 to 180 characters beside overlap, got %', coalesce(length(overlap_key.key)::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  return 'overlap/' || overlap_key.mode || coalesce(':' || overlap_key.max, '') || '/' || overlap_key.key;
end
$$;

-- The key of a run as it is stored: with what the job type says of keys, unless the caller has said something.
create function carillon.stored_key(tenant_id uuid, job_type text, key text) returns text
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  defaults jsonb;
begin
  if stored_key.key like 'overlap/allow/_%' then
    return substr(stored_key.key, 15);
  end if;
  if stored_key.key is null or stored_key.key ~ '^(overlap/(skip|replace|latest|strict|queue(:[1-9][0-9]{0,3})?)/.|schedule/[0-9a-f-]{36}/)' then
    return stored_key.key;
  end if;
  select j.key_defaults into defaults
    from carillon.job_type j
   where j.name = stored_key.job_type and (j.tenant_id = stored_key.tenant_id or j.tenant_id is null)
   order by j.tenant_id nulls last
   limit 1;
  if defaults is null then
    return stored_key.key;
  end if;
  if defaults ->> 'order' = 'strict' then
    return carillon.strict_key(stored_key.key);
  end if;
  return carillon.overlap_key(stored_key.key, defaults -> 'overlap' ->> 'mode', (defaults -> 'overlap' ->> 'max')::integer);
end
$$;

-- As in migrations/0020, with that key.
create or replace function carillon.enqueue(
  tenant text,
  job_type text,
  payload jsonb default '{}',
  run_at timestamptz default null,
  queue text default 'default',
  priority integer default 0,
  unique_key text default null,
  unique_window interval default null,
  on_conflict text default 'return',
  tags text[] default null,
  concurrency_key text default null,
  deadline timestamptz default null
) returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  name_form constant text := '^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$';
  payload_bytes_max constant integer := 256 * 1024;
  unfit text;
  owner record;
  new_id uuid := carillon.new_id();
  held record;
begin
  select t.id, t.slot, t.state, (t.limits ->> 'maxQueued')::integer as max_queued into owner
    from carillon.tenant t where t.name = enqueue.tenant;
  if not found then
    raise exception 'expected tenant % to exist, found none', coalesce(quote_literal(enqueue.tenant), 'null') using errcode = 'no_data_found';
  end if;
  if owner.state <> 'active' then
    raise exception 'expected tenant % to be active, got one that is %', quote_literal(enqueue.tenant), owner.state using errcode = 'object_not_in_prerequisite_state';
  end if;
  if not exists (select 1 from carillon.job_type j where j.name = enqueue.job_type and (j.tenant_id = owner.id or j.tenant_id is null)) then
    raise exception 'expected job type % to exist, found none', coalesce(quote_literal(enqueue.job_type), 'null') using errcode = 'no_data_found';
  end if;
  if enqueue.payload is null or octet_length(enqueue.payload::text) > payload_bytes_max then
    raise exception 'expected payload to be JSON of at most % bytes, got %', payload_bytes_max, coalesce(octet_length(enqueue.payload::text)::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  unfit := carillon.why_inexact(enqueue.payload);
  if unfit is not null then
    raise exception 'expected payload to have %', unfit using errcode = 'invalid_parameter_value';
  end if;
  if enqueue.queue !~ name_form is not false then
    raise exception 'expected queue to be 1 to 100 lower-case letters, digits, dots, dashes or underscores, got %', coalesce(quote_literal(enqueue.queue), 'null') using errcode = 'invalid_parameter_value';
  end if;
  if enqueue.priority between -100 and 100 is not true then
    raise exception 'expected priority to be from -100 to 100, got %', coalesce(enqueue.priority::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  if length(enqueue.concurrency_key) not between 1 and 200 then
    raise exception 'expected concurrency_key to have 1 to 200 characters, got %', length(enqueue.concurrency_key) using errcode = 'invalid_parameter_value';
  end if;
  if cardinality(enqueue.tags) > 20 or exists (select 1 from unnest(enqueue.tags) as given (tag) where tag is null or length(tag) not between 1 and 100) then
    raise exception 'expected at most 20 tags of 1 to 100 characters, got %', enqueue.tags using errcode = 'invalid_parameter_value';
  end if;
  if enqueue.run_at in ('infinity', '-infinity') or enqueue.deadline in ('infinity', '-infinity') then
    raise exception 'expected run_at and deadline to be instants, got infinity' using errcode = 'invalid_parameter_value';
  end if;
  if enqueue.deadline <= coalesce(enqueue.run_at, clock_timestamp()) then
    raise exception 'expected deadline to be after run_at, got %', enqueue.deadline using errcode = 'invalid_parameter_value';
  end if;
  if length(enqueue.unique_key) not between 1 and 200 then
    raise exception 'expected unique_key to have 1 to 200 characters, got %', length(enqueue.unique_key) using errcode = 'invalid_parameter_value';
  end if;
  if enqueue.unique_window <= interval '0' then
    raise exception 'expected unique_window to be longer than nothing, got %', enqueue.unique_window using errcode = 'invalid_parameter_value';
  end if;
  -- Replacing must hold off the owner's claims until commit, and the caller's transaction may stay open for long.
  if enqueue.on_conflict in ('return', 'reject') is not true then
    raise exception 'expected on_conflict to be return or reject, got %', coalesce(quote_literal(enqueue.on_conflict), 'null') using errcode = 'invalid_parameter_value';
  end if;

  if enqueue.unique_key is not null then
    loop
      -- Waits for another transaction that inserts the same key, until that is committed or rolled back.
      insert into carillon.unique_key as u (tenant_id, key, run_id, expires_at)
      values (owner.id, enqueue.unique_key, new_id, clock_timestamp() + enqueue.unique_window)
      on conflict do nothing;
      exit when found;
      select u.run_id, u.expires_at into held
        from carillon.unique_key u where u.tenant_id = owner.id and u.key = enqueue.unique_key for update;
      continue when not found; -- it was just cleared away
      -- A statement of its own, so that it sees what was committed while the one before waited.
      if held.expires_at > clock_timestamp()
         or held.expires_at is null and exists (select 1 from carillon.run r where r.id = held.run_id) then
        if enqueue.on_conflict = 'return' then
          return held.run_id;
        end if;
        raise exception 'expected unique_key % to be free, got one that run % holds', quote_literal(enqueue.unique_key), held.run_id using errcode = 'unique_violation';
      end if;
      update carillon.unique_key u set run_id = new_id, expires_at = clock_timestamp() + enqueue.unique_window
       where u.tenant_id = owner.id and u.key = enqueue.unique_key;
      exit;
    end loop;
  end if;

  if owner.max_queued is not null and carillon.count_runs(owner.id, owner.max_queued) >= owner.max_queued then
    raise exception 'expected tenant % to have fewer than % runs that are not over, got as many', quote_literal(enqueue.tenant), owner.max_queued using errcode = 'configuration_limit_exceeded';
  end if;

  insert into carillon.run (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload, priority, deadline, run_at,
                            unique_key, unique_window)
  values (new_id, owner.id, owner.slot, enqueue.job_type, enqueue.queue,
          carillon.stored_key(owner.id, enqueue.job_type, enqueue.concurrency_key),
          case when cardinality(enqueue.tags) > 0 then enqueue.tags end, enqueue.payload, enqueue.priority, enqueue.deadline,
          coalesce(enqueue.run_at, clock_timestamp()),
          enqueue.unique_key, case when enqueue.unique_key is not null then enqueue.unique_window end);
  return new_id;
end
$$;

-- As in migrations/0036, with that key.
create or replace function carillon.enqueue_debounced(
  tenant text,
  job_type text,
  debounce_key text,
  delay interval,
  max_delay interval,
  payload jsonb default '{}',
  queue text default 'default',
  priority integer default 0,
  tags text[] default null,
  concurrency_key text default null,
  deadline timestamptz default null,
  out id uuid,
  out moved boolean
)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  tries_max constant integer := 10;
  refusal text;
begin
  if length(enqueue_debounced.debounce_key) between 1 and 200 is not true then
    raise exception 'expected debounce.key to have 1 to 200 characters, got %', coalesce(length(enqueue_debounced.debounce_key)::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  if enqueue_debounced.delay between interval '1 second' and interval '1 day' is not true then
    raise exception 'expected debounce.delaySeconds to be from 1 to 86400, got %', coalesce(extract(epoch from enqueue_debounced.delay)::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  if enqueue_debounced.max_delay between enqueue_debounced.delay and interval '7 days' is not true then
    raise exception 'expected debounce.maxDelaySeconds to be from delaySeconds (%) to 604800, got %', extract(epoch from enqueue_debounced.delay), coalesce(extract(epoch from enqueue_debounced.max_delay)::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  for tried in 1..tries_max loop
    refusal := null;
    begin
      enqueue_debounced.id := carillon.enqueue(
        tenant => enqueue_debounced.tenant, job_type => enqueue_debounced.job_type, payload => enqueue_debounced.payload,
        run_at => clock_timestamp() + enqueue_debounced.delay, queue => enqueue_debounced.queue, priority => enqueue_debounced.priority,
        tags => enqueue_debounced.tags, concurrency_key => enqueue_debounced.concurrency_key, deadline => enqueue_debounced.deadline);
      -- Waits for another transaction that is making a run of the key, until that is committed or rolled back.
      update carillon.run r
         set slot = -1 - r.slot, debounce_key = enqueue_debounced.debounce_key, debounce_until = r.created_at + enqueue_debounced.max_delay
       where r.id = enqueue_debounced.id;
      enqueue_debounced.moved := false;
      return;
    exception
      when unique_violation then null; -- one waits, and is moved
      when configuration_limit_exceeded then refusal := sqlerrm; -- which does not keep one that waits from being moved
    end;
    update carillon.run r
       set payload = enqueue_debounced.payload, queue = enqueue_debounced.queue, priority = enqueue_debounced.priority,
           tags = case when cardinality(enqueue_debounced.tags) > 0 then enqueue_debounced.tags end,
           concurrency_key = carillon.stored_key(t.id, enqueue_debounced.job_type, enqueue_debounced.concurrency_key), deadline = enqueue_debounced.deadline,
           debounce_until = r.created_at + enqueue_debounced.max_delay,
           run_at = least(clock_timestamp() + enqueue_debounced.delay, r.created_at + enqueue_debounced.max_delay)
      from carillon.tenant t
     where t.name = enqueue_debounced.tenant and r.tenant_id = t.id and r.job_type = enqueue_debounced.job_type
       and r.debounce_key = enqueue_debounced.debounce_key and r.slot < 0 and r.cancel_requested_at is null
    returning r.id into enqueue_debounced.id;
    if found then
      enqueue_debounced.moved := true;
      return;
    end if;
    if refusal is not null then
      raise exception '%', refusal using errcode = 'configuration_limit_exceeded';
    end if;
    -- The one that waited has been let in meanwhile.
  end loop;
  raise exception 'expected debounce.key % to be free or to name a run that waits, got one of a transaction that this one cannot see', quote_literal(enqueue_debounced.debounce_key) using errcode = 'serialization_failure';
end
$$;
