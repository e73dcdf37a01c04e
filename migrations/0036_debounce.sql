-- Debounced runs, and a policy beside a concurrency key, for which no column is needed: it is a part of the stored key
-- (libs/kernel/keys/key-overlap.ts).

-- A run that waits for the last call of its key stands in slot -1 - slot until its instant has come. No claim and no scan for
-- lanes reads such a slot, in a replica of the previous version either, so a call may change the run under its row lock alone,
-- for as long as the caller's transaction takes. Both are null for all other runs, and none of them is in either index.
alter table carillon.run
  add column debounce_key text,
  -- The greatest delay since the first call.
  add column debounce_until timestamptz;

-- One run waits under a key. One that a request wants cancelled does not count.
create unique index run_debounced on carillon.run (tenant_id, job_type, debounce_key)
  where slot < 0 and cancel_requested_at is null;
-- Worded otherwise, so that no look for a key walks it.
create index run_put_off on carillon.run (run_at) where slot <= -1;

-- The concurrency_key for carillon.enqueue() of a run with a policy: what becomes of it while another run of the key is running.
create function carillon.overlap_key(key text, mode text, max integer default null) returns text
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
  if overlap_key.mode = 'allow' then
    return overlap_key.key;
  end if;
  return 'overlap/' || overlap_key.mode || coalesce(':' || overlap_key.max, '') || '/' || overlap_key.key;
end
$$;

-- As carillon.enqueue(), for a call that is debounced: makes a run that starts after `delay`, or gives these values to the one that
-- waits under the key and moves it, but not beyond `max_delay` since the first call. `moved` says which. Until the
-- caller's transaction ends the run does not start, and other calls with the key wait.
create function carillon.enqueue_debounced(
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
           concurrency_key = enqueue_debounced.concurrency_key, deadline = enqueue_debounced.deadline,
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
revoke execute on function carillon.enqueue_debounced from public;

-- A role that was granted carillon.enqueue() may make debounced runs, too.
do $$
declare
  granted record;
begin
  for granted in
    select distinct a.grantee::regrole as role
      from pg_catalog.pg_proc p cross join lateral pg_catalog.aclexplode(p.proacl) a
     where p.pronamespace = 'carillon'::regnamespace and p.proname = 'enqueue' and a.privilege_type = 'EXECUTE'
       and a.grantee not in (0, p.proowner)
  loop
    execute format('grant execute on function carillon.enqueue_debounced to %s', granted.role);
  end loop;
  if exists (select 1 from pg_catalog.pg_proc p cross join lateral pg_catalog.aclexplode(p.proacl) a
              where p.pronamespace = 'carillon'::regnamespace and p.proname = 'enqueue' and a.grantee = 0) then
    grant execute on function carillon.enqueue_debounced to public;
  end if;
end
$$;
