-- Outages: times in which no replica that executes runs was there. What was planned before one, and could have started only in
-- it, is decided by its schedule's catch-up policy, as what was not planned is.

create table carillon.outage (
  -- The last beat before it.
  from_at timestamptz primary key,
  -- The first beat after it.
  to_at timestamptz not null,
  check (from_at < to_at)
);

-- By a trigger on the beats, in their own transaction: a replica may claim only once it has beaten, so no run of an outage
-- is claimed before the outage is known; and a replica of the version before notes it, too. Of several replicas that come
-- back together the first one says when it was over, so that all decide alike.
create function carillon.note_outage() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into carillon.outage (from_at, to_at)
  select max(b.beat_at), clock_timestamp()
    from carillon.heartbeat b
    join carillon.replica r on r.number = b.replica and 'worker' = any(r.roles)
   where exists (select from carillon.replica own where own.number = new.replica and 'worker' = any(own.roles))
  having max(b.beat_at) < clock_timestamp() - interval '10 seconds'
      on conflict (from_at) do nothing;
  return new;
end
$$;
create trigger note_outage before insert on carillon.heartbeat
  for each row execute function carillon.note_outage();
-- Of nearly all beats only the condition is looked at.
create trigger note_outage_of_silent before update on carillon.heartbeat
  for each row when (old.beat_at < clock_timestamp() - interval '10 seconds') execute function carillon.note_outage();
