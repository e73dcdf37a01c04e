-- Looks for lanes and claims from them in one message: where a hint names a slot, a look of one statement and a claim of five cost a
-- run that comes alone more than all that the server does for it. In a volatile function each statement has a snapshot of its own,
-- so the slots' owners and the runs are read behind the replica's gate, as in the transaction of a claim (fence 2).

-- Answers with a row for each lane found, and a last one without a lane; with none when the replica was declared dead (I4). Only lanes
-- that nothing limits are claimed from: how much of others is worth holding is known to the replica. `runs` is null where nothing was
-- to be claimed. `excluded` are runs that this replica, or another one, has in hand, and that wait for no claim.
create function carillon.look_and_claim(
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
          select paused_at from carillon.queue where tenant_id = f.tenant_id and name = split_part(f.lane, '/', 1) limit 1) q on true
        left join lateral (
          select limits, paused_at, locks from carillon.job_type
           where name = split_part(f.lane, '/', 2) and (tenant_id = f.tenant_id or tenant_id is null)
           order by tenant_id nulls last
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
