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
  for each row when (old.concurrency_key like 'overlap/strict/%'
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
  for each row when (new.concurrency_key like 'overlap/strict/%')
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
