-- Runs that their owner inserts and claims in one message. In a volatile function each statement has a snapshot of its own, so
-- what decides is read behind the replica's gate, as in the transaction of a claim (fence 2). The gate is only tried: while it is
-- taken, or when the replica, its slot or the lane say no, the run is inserted all the same and waits for a claim like any other.

-- Answers with the runs that were inserted: all but those whose tenant or job type is no longer as it was read. `held` are runs
-- that this replica, or another one, has in hand, and that wait for no claim although they are in the table.
create function carillon.take_in(
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
             where name = a.job_type and (tenant_id = t.id or tenant_id is null)
             order by tenant_id nulls last
             limit 1) j
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
