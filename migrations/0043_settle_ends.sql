-- The ends of attempts that leave nothing to be decided, as one message: seven statements and their answers cost a run that ends
-- alone more than all that the server does for it. The statements and their order are those of the transaction in
-- libs/execution/settling/settlement.ts, by which all other ends are written, and a test compares the rows of both.
--
--   done         written; `missing` are runs that were not found in this attempt
--   fenced       the replica was declared dead (I4)
--   claim-lost   one of the claims is gone (I2)
--
-- Only 'done' has written anything. Each statement of a volatile function has a snapshot of its own, as long as the transaction is
-- read committed: so the row that decides is read as it is behind the gate, and the claims as they are behind their locks.
create function carillon.settle_ends(
  by_replica integer,
  by_incarnation uuid,
  held_claims uuid[],
  -- Those that hold nothing beyond these ends.
  finished_claims uuid[],
  fire_schedules uuid[],
  fire_dues timestamptz[],
  fire_starts timestamptz[],
  late_after_ms float8,
  this_attempt integer,
  ids uuid[],
  -- Where all have succeeded, or none has an output or an error, the array is empty.
  outcomes text[],
  starts float8[],
  ends float8[],
  outputs text[],
  errors text[],
  out verdict text,
  out missing uuid[]
)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
  set plan_cache_mode = force_generic_plan
as $$
declare
  ours bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'expected a transaction that is read committed, got %', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  end if;
  -- The gate of the replica; the number is in libs/database/advisory-locks.ts.
  perform pg_advisory_xact_lock_shared(x'43415232'::integer, by_replica);
  perform from carillon.replica r where r.number = by_replica and r.incarnation = by_incarnation and r.state in ('active', 'draining');
  if not found then
    verdict := 'fenced';
    return;
  end if;
  perform from carillon.claim c where c.replica = by_replica and c.id = any(held_claims) order by c.id for update;
  get diagnostics ours = row_count;
  if ours < cardinality(held_claims) then
    verdict := 'claim-lost';
    return;
  end if;
  if cardinality(fire_schedules) > 0 then
    update carillon.fire f
       set started_at = s.started_at,
           outcome = case when s.started_at - s.due_at - coalesce(f.jitter_ms, 0) * interval '1 ms' > make_interval(secs => late_after_ms / 1000)
                          then 'late' else 'fired' end
      from unnest(fire_schedules, fire_dues, fire_starts) as s (schedule_id, due_at, started_at)
     where f.schedule_id = s.schedule_id and f.due_at = s.due_at and s.due_at between '-infinity' and 'infinity' and f.outcome = 'planned';
  end if;
  with gone as (
    delete from carillon.run r where r.id = any(ids) and r.attempt = this_attempt
    returning r.id, r.tenant_id, r.slot, r.job_type, r.schedule_id, r.due_at, r.payload, r.priority, r.run_at, r.past_attempts,
              r.created_at, r.queue, r.concurrency_key, r.deadline, r.tags, r.locks, r.progress, r.unique_key, r.unique_window, r.attempt),
  kept as (
    insert into carillon.run_history (id, tenant_id, slot, job_type, schedule_id, due_at, payload, priority, run_at, past_attempts,
                                      created_at, queue, concurrency_key, deadline, tags, locks, progress, unique_key, unique_window,
                                      attempt, outcome, replica, started_at, finished_at, output, error)
    select g.id, g.tenant_id, g.slot, g.job_type, g.schedule_id, g.due_at, g.payload, g.priority, g.run_at, g.past_attempts,
           g.created_at, g.queue, g.concurrency_key, g.deadline, g.tags, g.locks, g.progress, g.unique_key, g.unique_window,
           g.attempt, coalesce(e.outcome, 'succeeded'), by_replica, to_timestamp(e.started_ms / 1000), to_timestamp(e.finished_ms / 1000),
           e.output::jsonb, e.error::jsonb
      from gone g
      join unnest(ids, outcomes, starts, ends, outputs, errors) as e (id, outcome, started_ms, finished_ms, output, error) on e.id = g.id)
  select array_agg(m.id) into missing
    from unnest(ids) as m (id)
   where (select count(*) from gone) < cardinality(ids) and m.id not in (select id from gone);
  if cardinality(finished_claims) > 0 then
    delete from carillon.claim c where c.id = any(finished_claims);
  end if;
  verdict := 'done';
end
$$;
