-- A run keeps the unique key that it came in with, and for how long it held it, also when it is over: tried again, it must
-- hold the key again. No row is rewritten. What came in before, or is taken in or ended by a replica of the previous version,
-- has no key here and comes back without one, as it did.
alter table carillon.run
  add column unique_key text,
  add column unique_window interval;
alter table carillon.run_history
  add column unique_key text,
  add column unique_window interval;

-- As in migrations/0017, with the key in the run.
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
  -- Replacing must hold off the owner's claims until commit, and nobody knows how long the caller's transaction stays open.
  if enqueue.on_conflict in ('return', 'reject') is not true then
    raise exception 'expected on_conflict to be return or reject, got %', coalesce(quote_literal(enqueue.on_conflict), 'null') using errcode = 'invalid_parameter_value';
  end if;

  if enqueue.unique_key is not null then
    loop
      -- Waits for whoever is inserting the same key, until that is committed or rolled back.
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
  values (new_id, owner.id, owner.slot, enqueue.job_type, enqueue.queue, enqueue.concurrency_key,
          case when cardinality(enqueue.tags) > 0 then enqueue.tags end, enqueue.payload, enqueue.priority, enqueue.deadline,
          coalesce(enqueue.run_at, clock_timestamp()),
          enqueue.unique_key, case when enqueue.unique_key is not null then enqueue.unique_window end);
  return new_id;
end
$$;
