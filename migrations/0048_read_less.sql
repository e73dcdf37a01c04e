-- What was read, or opened, for nothing. The functions are those of 0043, 0044 and 0046, where what they do is written; this alone is
-- changed in them:
-- * The job type of a run is looked up by its key: a tenant's own, or else the shared one. Asked for by one condition with an "or",
--   each look read the job types of all tenants, up to the shared ones at the end of the index: with ten thousand of them a scan took
--   half a second.
-- * Of the ledger only the days are opened in which there are fires to decide: each other one cost each settlement five to nine
--   microseconds, so where 90 days are kept a lone end took four times as long.

create or replace function carillon.settle_ends(
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
  first_due timestamptz;
  last_due timestamptz;
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
    select min(d.due_at), max(d.due_at) into first_due, last_due from unnest(fire_dues) as d (due_at);
    update carillon.fire f
       set started_at = s.started_at,
           outcome = case when s.started_at - s.due_at - coalesce(f.jitter_ms, 0) * interval '1 ms' > make_interval(secs => late_after_ms / 1000)
                          then 'late' else 'fired' end
      from unnest(fire_schedules, fire_dues, fire_starts) as s (schedule_id, due_at, started_at)
     where f.schedule_id = s.schedule_id and f.due_at = s.due_at and s.due_at between '-infinity' and 'infinity' and f.outcome = 'planned'
       -- Known before it begins, so days of the ledger that have none of them are not opened.
       and f.due_at between first_due and last_due;
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

create or replace function carillon.look_and_claim(
  by_replica integer,
  by_incarnation uuid,
  claim_id uuid,
  slots smallint[],
  epochs bigint[],
  excluded uuid[],
  -- Of a slot.
  lanes_found integer,
  -- In all.
  lanes_claimed integer,
  runs_of_lane integer,
  ahead_ms float8,
  -- A run of a schedule that is so late may have been planned before an outage: the transaction of a claim decides about it.
  late_ms float8
) returns table (
  slot smallint, tenant_id uuid, lane text, paused boolean, weight integer, tenant jsonb, job_type jsonb, locks jsonb, runs jsonb,
  at_ms float8, took_ms float8
)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_sort = off
  set enable_incremental_sort = off
  set jit = off
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  began_at timestamptz;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'expected a transaction that is read committed, got %', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  end if;
  -- The number stands in advisory-locks.ts (REPLICA_GATE). It is held until commit.
  perform pg_advisory_xact_lock_shared(1128354354, by_replica);
  perform from carillon.replica r where r.number = by_replica and r.incarnation = by_incarnation and r.state in ('active', 'draining');
  if not found then
    return;
  end if;
  began_at := clock_timestamp();
  return query
    with found as materialized (
      select s.slot, k.tenant_id, k.lane
        from unnest(look_and_claim.slots, look_and_claim.epochs) as s (slot, epoch)
        join carillon.slot_owner o on o.slot = s.slot and o.owner = by_replica and o.epoch = s.epoch and o.target is null
       cross join lateral (
         with recursive skipped as (
           (select r.tenant_id, r.lane from carillon.run r where r.slot = s.slot order by r.tenant_id, r.lane limit 1)
           union all
           select next.tenant_id, next.lane
             from skipped f
            cross join lateral (
              select r.tenant_id, r.lane from carillon.run r
               where r.slot = s.slot and (r.tenant_id, r.lane) > (f.tenant_id, f.lane)
               order by r.tenant_id, r.lane limit 1) next)
         select tenant_id, lane from skipped limit look_and_claim.lanes_found) k),
    -- As in lane.repository.ts.
    ruled as materialized (
      select f.slot, f.tenant_id, f.lane,
             coalesce(t.state = 'suspended', false) or q.paused_at is not null or j.paused_at is not null as paused,
             t.weight, nullif(t.limits, '{}') as tenant, nullif(j.limits, '{}') as job_type, j.locks
        from found f
        left join lateral (select weight, state, limits from carillon.tenant where id = f.tenant_id limit 1) t on true
        left join lateral (
          select paused_at from carillon.queue
           where tenant_id = f.tenant_id and name = split_part(f.lane collate "default", '/', 1) limit 1) q on true
        left join lateral (
          select limits, paused_at, locks from carillon.job_type
           where id = coalesce(
                   (select id from carillon.job_type where tenant_id = f.tenant_id and name = split_part(f.lane collate "default", '/', 2)),
                   (select id from carillon.job_type where tenant_id is null and name = split_part(f.lane collate "default", '/', 2)))
           limit 1) j on true),
    -- A lane with a third part is one of a concurrency key.
    unlimited as materialized (
      select u.slot, u.tenant_id, u.lane
        from ruled u
       where not u.paused and u.tenant is null and u.job_type is null and u.locks is null and u.lane !~ '/.*/'
       limit look_and_claim.lanes_claimed),
    taken as materialized (
      select u.tenant_id, u.lane, p.ids, p.runs
        from unlimited u
       cross join lateral (
         select array_agg(w.id) as ids,
                coalesce(jsonb_agg(jsonb_build_array(
                  w.id, w.payload, date_part('epoch', w.run_at) * 1000,
                  case when w.schedule_id is null and w.due_at is null and w.priority = 0 and w.attempt = 1 and w.failures = 0
                            and w.losses = 0 and w.deadline is null and w.details is null and w.cancel_requested_at is null
                            and w.locks is null and w.unique_key is null then null
                       else jsonb_build_object(
                         'scheduleId', w.schedule_id, 'dueAtMs', date_part('epoch', w.due_at) * 1000, 'priority', w.priority,
                         'attempt', w.attempt, 'failures', w.failures, 'losses', w.losses,
                         'deadlineMs', date_part('epoch', w.deadline) * 1000, 'details', w.details,
                         'isCancelRequested', w.cancel_requested_at is not null, 'ownLocks', w.locks,
                         'isUnique', w.unique_key is not null)
                  end)), '[]') as runs,
                coalesce(bool_or(w.attempt = 1 and w.schedule_id is not null and w.due_at is not null
                                 and w.run_at < began_at - make_interval(secs => late_ms / 1000)), false) as is_late
           from (select id, schedule_id, due_at, payload, priority, run_at, attempt, failures, losses, deadline, details,
                        cancel_requested_at, locks, unique_key
                   from carillon.run r
                  where r.slot = u.slot and r.tenant_id = u.tenant_id and r.lane = u.lane
                    and r.run_at <= began_at + make_interval(secs => ahead_ms / 1000)
                    -- As in rank.ts: or the walk goes through all that is due much later.
                    and (r.run_at at time zone 'UTC') - r.priority * interval '1 minute'
                        <= (began_at + make_interval(secs => ahead_ms / 1000)) at time zone 'UTC' + interval '100 minutes'
                    and r.id <> all(look_and_claim.excluded)
                  order by (r.run_at at time zone 'UTC') - r.priority * interval '1 minute', r.id
                  limit look_and_claim.runs_of_lane) w) p
       where not p.is_late),
    noted as (
      insert into carillon.claim (id, replica, run_ids)
      select look_and_claim.claim_id, by_replica, array_agg(i.id)
        from taken k cross join lateral unnest(k.ids) as i (id)
      having count(*) > 0)
    select u.slot, u.tenant_id, u.lane, u.paused, u.weight, u.tenant, u.job_type, u.locks, k.runs, null::float8, null::float8
      from ruled u
      left join taken k on k.tenant_id = u.tenant_id and k.lane = u.lane
     union all
    select null, null, null, null, null, null, null, null, null, date_part('epoch', c.now) * 1000, date_part('epoch', c.now - began_at) * 1000
      from (select clock_timestamp() as now) c;
end
$$;

create or replace function carillon.take_in(
  by_replica integer,
  by_incarnation uuid,
  claim_id uuid,
  ids uuid[],
  tenant_ids uuid[],
  slots smallint[],
  epochs bigint[],
  job_types text[],
  proofs text[],
  queues text[],
  concurrency_keys text[],
  tags text[],
  payloads text[],
  deadlines timestamptz[],
  marks timestamp[],
  held uuid[]
) returns table (is_claimed boolean, entry carillon.run)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  may_claim boolean;
  made_at timestamptz;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'expected a transaction that is READ COMMITTED, got %', upper(current_setting('transaction_isolation')) using errcode = 'active_sql_transaction';
  end if;
  -- The number stands in advisory-locks.ts (REPLICA_GATE). It is held until commit.
  may_claim := pg_try_advisory_xact_lock_shared(1128354354, take_in.by_replica);
  -- A statement of its own, with a snapshot from after that lock.
  may_claim := may_claim and exists (
    select from carillon.replica r
     where r.number = take_in.by_replica and r.incarnation = take_in.by_incarnation and r.state = 'active');
  made_at := clock_timestamp();
  return query
    with asked as materialized (
      select a.*
        from unnest(take_in.ids, take_in.tenant_ids, take_in.slots, take_in.epochs, take_in.job_types, take_in.proofs, take_in.queues,
                    take_in.concurrency_keys, take_in.tags, take_in.payloads, take_in.deadlines, take_in.marks)
             as a (id, tenant_id, slot, epoch, job_type, proof, queue, concurrency_key, tags, payload, deadline, mark)),
    inserted as (
      insert into carillon.run as made (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload, deadline, run_at)
      select a.id, a.tenant_id, a.slot, a.job_type, a.queue, a.concurrency_key,
             case when a.tags is not null then array(select jsonb_array_elements_text(a.tags::jsonb)) end,
             a.payload::jsonb, a.deadline, made_at
        from asked a
       -- As in job-proof.ts.
       where a.proof = (
         select concat_ws('/', t.xmin, j.id, j.version)
           from carillon.tenant t
          cross join lateral (
            select id, xmin as version
              from carillon.job_type
             where id = coalesce((select id from carillon.job_type where tenant_id = t.id and name = a.job_type),
                                 (select id from carillon.job_type where tenant_id is null and name = a.job_type))) j
          where t.id = a.tenant_id)
      returning made.id, made as entry),
    -- Those of one lane come together, and with the same marks.
    lanes as materialized (
      select a.tenant_id, a.slot, a.epoch, a.queue, (i.entry).lane as lane, min(a.mark) as mark
        from inserted i
        join asked a on a.id = i.id
       where may_claim
       group by a.tenant_id, a.slot, a.epoch, a.queue, (i.entry).lane),
    open as materialized (
      select l.tenant_id, l.lane
        from lanes l
        join carillon.slot_owner o on o.slot = l.slot and o.owner = take_in.by_replica and o.epoch = l.epoch and o.target is null
       where not exists (
               select from carillon.queue q where q.tenant_id = l.tenant_id and q.name = l.queue and q.paused_at is not null)
         -- None of the lane waits before them. Those of this call are not seen. With its order it is one look at the lane's
         -- place in the index; as a mere condition it became a walk over all runs of the tenant. The mark is one of another
         -- clock, and must lie behind. Runs of high priority stand there long before they are due: where there are many, a
         -- claim is to find out.
         and not exists (
               select
                 from (select w.id, w.run_at, row_number() over () as place
                         from (select r.id, r.run_at
                                 from carillon.run r
                                where r.slot = l.slot and r.tenant_id = l.tenant_id and r.lane = l.lane
                                  and (r.run_at at time zone 'UTC') - r.priority * interval '1 minute'
                                      between least(l.mark, (made_at - interval '1 second') at time zone 'UTC') and made_at at time zone 'UTC'
                                order by (r.run_at at time zone 'UTC') - r.priority * interval '1 minute', r.id
                                limit 301) w) before
                where before.place > 300 or before.run_at <= made_at and before.id <> all(take_in.held))),
    claimable as materialized (
      select i.id from inserted i join open o on o.tenant_id = (i.entry).tenant_id and o.lane = (i.entry).lane),
    claimed as (
      insert into carillon.claim (id, replica, run_ids)
      select take_in.claim_id, take_in.by_replica, array_agg(id) from claimable having count(*) > 0)
    select c.id is not null, i.entry from inserted i left join claimable c on c.id = i.id;
end
$$;

-- In the functions for callers in SQL that look is one expression among many, so it alone is replaced.
do $$
declare
  asks regprocedure;
  was text;
  becomes text;
begin
  for asks in
    select oid from pg_catalog.pg_proc
     where pronamespace = 'carillon'::regnamespace and proname in ('enqueue', 'enqueue_many', 'stored_key')
  loop
    was := pg_catalog.pg_get_functiondef(asks);
    becomes := pg_catalog.regexp_replace(
      was,
      'j\.name = (\w+\.job_type) and \(j\.tenant_id = (\w+\.\w+) or j\.tenant_id is null\)',
      'j.id = coalesce((select o.id from carillon.job_type o where o.tenant_id = \2 and o.name = \1),'
      || ' (select o.id from carillon.job_type o where o.tenant_id is null and o.name = \1))');
    if becomes = was then
      raise exception 'expected % to look up a job type, found that it does not', asks;
    end if;
    execute becomes;
  end loop;
end
$$;
