with lane as materialized (
  select l.number, l.slot, l.tenant_id, l.lane, l.quota, l.rank, l.id
    from unnest($1::smallint[],
                $2::uuid[],
                $3::text[],
                $4::int[],
                $5::bigint[],
                $6::timestamp[],
                $7::uuid[])
         with ordinality as l (slot, tenant_id, lane, quota, epoch, rank, id, number)
    join carillon.slot_owner o on o.slot = l.slot and o.owner = $8 and o.epoch = l.epoch and o.target is null),
picked as materialized (
  select lane.number, r.*
    from lane
   cross join lateral (
     select id, schedule_id, due_at, payload, priority, run_at, attempt, failures, losses, deadline, details,
       cancel_requested_at, locks, unique_key
       from carillon.run
      where slot = lane.slot and tenant_id = lane.tenant_id and run.lane = lane.lane
        and ((run_at at time zone 'UTC') - priority * interval '1 minute', id) > (lane.rank, lane.id)
        and run_at <= statement_timestamp() + make_interval(secs => $9::float8)
        and id <> all($10::uuid[])
        and (run_at at time zone 'UTC') - priority * interval '1 minute' <= (statement_timestamp() + make_interval(secs => $11::float8)) at time zone 'UTC' + interval '100 minutes'
      order by (run_at at time zone 'UTC') - priority * interval '1 minute', id
      limit lane.quota) r),
noted as (
  insert into carillon.claim (id, replica, run_ids)
  select $12, $13, array_agg(id) from picked having count(*) > 0)
select number::int, id, payload, date_part('epoch', run_at) * 1000 as "atMs",
       schedule_id as "scheduleId", date_part('epoch', due_at) * 1000 as "dueAtMs",
       case when priority = 0 and attempt = 1 and failures = 0 and losses = 0
                 and deadline is null and details is null and cancel_requested_at is null and locks is null
                 and unique_key is null then null
            else jsonb_build_object(
              'priority', priority, 'attempt', attempt, 'failures', failures, 'losses', losses, 'deadlineMs',
                date_part('epoch', deadline) * 1000,
              'details', details, 'isCancelRequested', cancel_requested_at is not null, 'ownLocks', locks, 'isUnique',
                unique_key is not null)
       end as "nonDefaults"
  from picked
 union all
select 0, null, null, date_part('epoch', clock_timestamp()) * 1000, null, null, null;
