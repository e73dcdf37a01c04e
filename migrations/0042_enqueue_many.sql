-- Many runs of one job by one call, with an array for each column: what holds for all of them is looked up once, and they are
-- inserted at once. Row by row a run cost the database several times as much. carillon.enqueue() stays as it is, and says in
-- the end what is wrong with a run, so the rules and the words are the same.

-- The place of a run that carillon.enqueue() would refuse, the first of them, counted from 1; null for none. Each column is
-- looked at by itself, and one that is left out costs nothing.
create function carillon.first_unfit(
  payloads jsonb[],
  run_ats timestamptz[],
  queues text[],
  priorities integer[],
  unique_keys text[],
  unique_windows interval[],
  on_conflicts text[],
  tags jsonb,
  concurrency_keys text[],
  concurrency_key_max integer,
  deadlines timestamptz[]
) returns bigint
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return least(
    -- A number that no double holds has 16 digits before its point, since jsonb writes no exponents; and 101 levels have as many
    -- brackets. Only what may be inexact is looked at closely.
    (select min(n)
       from (select payload, n, payload::text as written from unnest(payloads) with ordinality as given (payload, n) offset 0) as shown
      where payload is null or octet_length(written) > 256 * 1024
         or (written ~ '(^|[^0-9.])[0-9]{16}'
             or octet_length(written) > 200 and length(written) - length(translate(written, '[{', '')) > 100)
            and carillon.why_inexact(payload) is not null),
    (select min(n) from unnest(run_ats) with ordinality as given (run_at, n)
      where run_at < timestamptz '0001-01-01Z' or run_at >= timestamptz '10000-01-01Z'),
    (select min(n) from unnest(queues) with ordinality as given (queue, n)
      where queue !~ '^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$'),
    (select min(n) from unnest(priorities) with ordinality as given (priority, n) where priority not between -100 and 100),
    (select min(n) from unnest(unique_keys) with ordinality as given (key, n) where length(key) not between 1 and 200),
    (select min(n) from unnest(unique_windows) with ordinality as given (lasts, n) where lasts <= interval '0'),
    (select min(n) from unnest(on_conflicts) with ordinality as given (way, n) where way not in ('return', 'reject')),
    (select min(n) from jsonb_array_elements(tags) with ordinality as given (list, n)
      where case jsonb_typeof(list)
              when 'null' then false
              when 'array' then jsonb_array_length(list) > 20
                or exists (select from jsonb_array_elements_text(list) as tag where length(tag) between 1 and 100 is not true)
              else true
            end),
    (select min(n) from unnest(concurrency_keys) with ordinality as given (key, n)
      where length(key) not between 1 and 200
         -- With a policy of its own, a key takes none of its job type.
         or length(key) > concurrency_key_max
            and key !~ '^(overlap/(allow|skip|replace|latest|strict|queue(:[1-9][0-9]{0,3})?)/.|schedule/[0-9a-f-]{36}/)'),
    (select min(n) from unnest(deadlines, run_ats) with ordinality as given (deadline, run_at, n)
      where deadline <= coalesce(run_at, clock_timestamp()) or deadline >= timestamptz '10000-01-01Z'));
end
$$;
revoke execute on function carillon.first_unfit from public;

-- Takes unique keys for runs, each key named once. Answers with the runs that hold those which are not free, by key.
create function carillon.take_keys(tenant_id uuid, keys text[], run_ids uuid[], windows interval[]) returns jsonb
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  one record;
  held record;
  held_keys text[] := '{}';
  holders text[] := '{}';
begin
  -- All take and lock keys in this order, so that no two batches wait for each other: one that is there is locked in its turn
  -- and not behind all that were free. Waits for other transactions that insert the same keys, until they are over.
  for one in
    with asked as materialized (
      select k.key, k.run_id, k.lasts
        from unnest(take_keys.keys, take_keys.run_ids, take_keys.windows) as k (key, run_id, lasts)),
    stands as (
      insert into carillon.unique_key as u (tenant_id, key, run_id, expires_at)
      select take_keys.tenant_id, a.key, a.run_id, clock_timestamp() + a.lasts
        from asked a
       order by a.key collate "C"
      on conflict (tenant_id, key) do update set run_id = u.run_id
      returning u.key, u.run_id)
    select a.key, a.run_id, a.lasts
      from asked a
      join stands s on s.key = a.key and s.run_id <> a.run_id
     order by a.key collate "C"
  loop
    -- A statement of its own, so that it sees what was committed while the one before waited. The row is locked by then.
    select u.run_id, u.expires_at into held
      from carillon.unique_key u where u.tenant_id = take_keys.tenant_id and u.key = one.key;
    if held.expires_at > clock_timestamp()
       or held.expires_at is null and exists (select 1 from carillon.run r where r.id = held.run_id) then
      held_keys := held_keys || one.key;
      holders := holders || held.run_id::text;
    else
      update carillon.unique_key u set run_id = one.run_id, expires_at = clock_timestamp() + one.lasts
       where u.tenant_id = take_keys.tenant_id and u.key = one.key;
    end if;
  end loop;
  return jsonb_object(held_keys, holders);
end
$$;
revoke execute on function carillon.take_keys from public;

-- As carillon.enqueue() for each element of `payloads`, all or none; answers with their ids in that order. The other arrays have
-- as many elements or are left out, and a null in them is what is left out there. `tags` is an array of arrays or nulls. The
-- message of an error names the run, counted from 0.
create function carillon.enqueue_many(
  tenant text,
  job_type text,
  payloads jsonb[],
  run_ats timestamptz[] default null,
  queues text[] default null,
  priorities integer[] default null,
  unique_keys text[] default null,
  unique_windows interval[] default null,
  on_conflicts text[] default null,
  tags jsonb default null,
  concurrency_keys text[] default null,
  deadlines timestamptz[] default null
) returns uuid[]
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  size constant integer := cardinality(enqueue_many.payloads);
  begun_ms constant bigint := floor(extract(epoch from clock_timestamp()) * 1000);
  seed constant bigint := ('x' || right(gen_random_uuid()::text, 12) || left(gen_random_uuid()::text, 4))::bit(64)::bigint;
  owner record;
  job record;
  unfit bigint;
  wrong record;
  ids uuid[];
  -- The run that holds its unique key, of each; null if none has a key.
  holders uuid[];
  held jsonb;
  asked record;
  created integer := size;
  made_at timestamptz;
  room integer;
  -- What the job type puts before a key.
  prefix text;
  stored_keys text[];
begin
  select t.id, t.slot, t.state, (t.limits ->> 'maxQueued')::integer as max_queued into owner
    from carillon.tenant t where t.name = enqueue_many.tenant;
  if not found then
    raise exception 'expected tenant % to exist, found none', coalesce(quote_literal(enqueue_many.tenant), 'null') using errcode = 'no_data_found';
  end if;
  if owner.state <> 'active' then
    raise exception 'expected tenant % to be active, got one that is %', quote_literal(enqueue_many.tenant), owner.state using errcode = 'object_not_in_prerequisite_state';
  end if;
  select j.key_defaults into job
    from carillon.job_type j
   where j.name = enqueue_many.job_type and (j.tenant_id = owner.id or j.tenant_id is null)
   order by j.tenant_id nulls last
   limit 1;
  if not found then
    raise exception 'expected job type % to exist, found none', coalesce(quote_literal(enqueue_many.job_type), 'null') using errcode = 'no_data_found';
  end if;
  if size is null then
    raise exception 'expected payloads to be an array, got null' using errcode = 'invalid_parameter_value';
  end if;
  if jsonb_typeof(enqueue_many.tags) <> 'array' then
    raise exception 'expected tags to be an array with one element for each run, got %', jsonb_typeof(enqueue_many.tags) using errcode = 'invalid_parameter_value';
  end if;
  for wrong in
    select given.column, given.length
      from (values ('run_ats', cardinality(enqueue_many.run_ats)), ('queues', cardinality(enqueue_many.queues)),
                   ('priorities', cardinality(enqueue_many.priorities)), ('unique_keys', cardinality(enqueue_many.unique_keys)),
                   ('unique_windows', cardinality(enqueue_many.unique_windows)), ('on_conflicts', cardinality(enqueue_many.on_conflicts)),
                   ('tags', jsonb_array_length(enqueue_many.tags)), ('concurrency_keys', cardinality(enqueue_many.concurrency_keys)),
                   ('deadlines', cardinality(enqueue_many.deadlines))) as given ("column", length)
     where given.length <> size
  loop
    raise exception 'expected % to have % elements, as many as payloads, got %', wrong.column, size, wrong.length using errcode = 'invalid_parameter_value';
  end loop;

  unfit := carillon.first_unfit(
    enqueue_many.payloads, enqueue_many.run_ats, enqueue_many.queues, enqueue_many.priorities, enqueue_many.unique_keys,
    enqueue_many.unique_windows, enqueue_many.on_conflicts, enqueue_many.tags, enqueue_many.concurrency_keys,
    case when job.key_defaults is null then 200 else 180 end, enqueue_many.deadlines);
  if unfit is not null then
    select * into wrong
      from unnest(enqueue_many.payloads, enqueue_many.run_ats, enqueue_many.queues, enqueue_many.priorities, enqueue_many.unique_keys,
                  enqueue_many.unique_windows, enqueue_many.on_conflicts, enqueue_many.concurrency_keys, enqueue_many.deadlines)
           with ordinality as r (payload, run_at, queue, priority, unique_key, unique_window, on_conflict, concurrency_key, deadline, n)
     where r.n = unfit;
    begin
      perform carillon.enqueue(
        tenant => enqueue_many.tenant, job_type => enqueue_many.job_type, payload => wrong.payload, run_at => wrong.run_at,
        -- One that fits is left out: where it is held, the run would not be looked at any further.
        queue => coalesce(wrong.queue, 'default'), priority => coalesce(wrong.priority, 0),
        unique_key => case when length(wrong.unique_key) not between 1 and 200 then wrong.unique_key end,
        unique_window => wrong.unique_window, on_conflict => coalesce(wrong.on_conflict, 'return'),
        tags => case when jsonb_typeof(enqueue_many.tags -> (unfit - 1)::integer) = 'array'
                     then array(select jsonb_array_elements_text(enqueue_many.tags -> (unfit - 1)::integer)) end,
        concurrency_key => wrong.concurrency_key, deadline => wrong.deadline);
    exception when others then
      raise exception '/runs/%: %', unfit - 1, sqlerrm using errcode = sqlstate;
    end;
    raise exception '/runs/%: expected tags to be an array of texts, got %', unfit - 1, jsonb_typeof(enqueue_many.tags -> (unfit - 1)::integer) using errcode = 'invalid_parameter_value';
  end if;

  -- UUIDv7 with a counter behind the milliseconds: of runs with one instant the one with the lower id starts first. The rest is
  -- random for the call, and spread from there: random bytes for each run would cost as much as two indexes.
  ids := array(
    select (lpad(to_hex(begun_ms + (n >> 12)), 12, '0') || '7' || lpad(to_hex(n & 4095), 3, '0')
            || to_hex(hashint8extended(n, seed) & 4611686018427387903 | (-9223372036854775808)))::uuid
      from generate_series(0, size - 1) as n);

  if array_remove(enqueue_many.unique_keys, null) <> '{}' then
    -- The first that asks for a key gets it.
    select array_agg(key order by key) as keys, array_agg(id order by key) as ids, array_agg(lasts order by key) as windows into asked
      from (select distinct on (key) key, id, lasts
              from (select u.key collate "C" as key, u.id, u.lasts, u.n
                      from unnest(enqueue_many.unique_keys, ids, enqueue_many.unique_windows) with ordinality as u (key, id, lasts, n)
                     where u.key is not null) as keyed
             order by key, n) as first;
    held := carillon.take_keys(owner.id, asked.keys, asked.ids, asked.windows);
    holders := array(
      select case when u.key is null then u.id
                  else coalesce((held ->> u.key)::uuid, first_value(u.id) over (partition by u.key order by u.n)) end
        from unnest(enqueue_many.unique_keys, ids) with ordinality as u (key, id, n)
       order by u.n);
    select u.n, u.key, u.holder into wrong
      from unnest(enqueue_many.unique_keys, enqueue_many.on_conflicts, ids, holders) with ordinality as u (key, way, id, holder, n)
     where u.way = 'reject' and u.holder <> u.id
     order by u.n
     limit 1;
    if found then
      raise exception '/runs/%: expected unique_key % to be free, got one that run % holds', wrong.n - 1, quote_literal(wrong.key), wrong.holder using errcode = 'unique_violation';
    end if;
    created := (select count(*) from unnest(ids, holders) as u (id, holder) where u.holder = u.id);
  end if;

  if owner.max_queued is not null and created > 0 then
    room := greatest(owner.max_queued - carillon.count_runs(owner.id, owner.max_queued), 0);
    if created > room then
      select u.n into wrong
        from unnest(ids, coalesce(holders, ids)) with ordinality as u (id, holder, n)
       where u.holder = u.id
       order by u.n
       limit 1 offset room;
      raise exception '/runs/%: expected tenant % to have fewer than % runs that are not over, got as many', wrong.n - 1, quote_literal(enqueue_many.tenant), owner.max_queued using errcode = 'configuration_limit_exceeded';
    end if;
  end if;

  if enqueue_many.concurrency_keys is not null then
    prefix := left(carillon.stored_key(owner.id, enqueue_many.job_type, 'k'), -1);
    stored_keys := array(
      select case when k.key like any ('{overlap/%,schedule/%}') then carillon.stored_key(owner.id, enqueue_many.job_type, k.key)
                  else prefix || k.key end
        from unnest(enqueue_many.concurrency_keys) with ordinality as k (key, n)
       order by k.n);
  end if;
  -- Behind the wait for keys, so that none is due before a run that was committed meanwhile.
  made_at := clock_timestamp();
  insert into carillon.run (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload, priority, deadline, run_at,
                            unique_key, unique_window)
  select r.id, owner.id, owner.slot, enqueue_many.job_type, coalesce(r.queue, 'default'), r.concurrency_key,
         case when jsonb_typeof(r.tags) = 'array' and jsonb_array_length(r.tags) > 0
              then array(select jsonb_array_elements_text(r.tags)) end,
         r.payload, coalesce(r.priority, 0), r.deadline, coalesce(r.run_at, made_at),
         r.unique_key, case when r.unique_key is not null then r.unique_window end
    from rows from (
           unnest(ids), unnest(holders), unnest(enqueue_many.payloads), unnest(enqueue_many.run_ats), unnest(enqueue_many.queues),
           unnest(enqueue_many.priorities), unnest(stored_keys), unnest(enqueue_many.deadlines), unnest(enqueue_many.unique_keys),
           unnest(enqueue_many.unique_windows), jsonb_array_elements(enqueue_many.tags))
         as r (id, holder, payload, run_at, queue, priority, concurrency_key, deadline, unique_key, unique_window, tags)
   where r.holder is null or r.holder = r.id;
  return coalesce(holders, ids);
end
$$;
revoke execute on function carillon.enqueue_many from public;

-- A role that was granted carillon.enqueue() may make many runs at once, too.
do $$
declare
  granted record;
begin
  for granted in
    select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end as role
      from pg_catalog.pg_proc p cross join lateral pg_catalog.aclexplode(p.proacl) a
     where p.pronamespace = 'carillon'::regnamespace and p.proname = 'enqueue' and a.privilege_type = 'EXECUTE'
       and a.grantee <> p.proowner
  loop
    execute format('grant execute on function carillon.enqueue_many to %s', granted.role);
  end loop;
end
$$;
