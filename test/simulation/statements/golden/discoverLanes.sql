with found as materialized (
  select s.slot, skipped.tenant_id, skipped.lane
    from unnest($1::smallint[],
                $2::uuid[],
                $3::text[],
                $4::uuid[],
                $5::text[]) as s (slot, tenant_id, lane, end_tenant, end_lane)
   cross join lateral (
     with recursive skipped as (
       (select tenant_id, lane from carillon.run
         where slot = s.slot and (tenant_id, lane) > (s.tenant_id, s.lane collate "C")
           and (tenant_id, lane) < (s.end_tenant, s.end_lane collate "C")
         order by tenant_id, lane limit 1)
       union all
       select next.tenant_id, next.lane
         from skipped f
        cross join lateral (
          select r.tenant_id, r.lane from carillon.run r
           where r.slot = s.slot and (r.tenant_id, r.lane) > (f.tenant_id, f.lane)
             and (r.tenant_id, r.lane) < (s.end_tenant, s.end_lane collate "C")
           order by r.tenant_id, r.lane limit 1) next)
     select tenant_id, lane from skipped limit $6) skipped
   union all
  select m.slot, m.tenant_id, m.lane
    from unnest($7::smallint[],
                $8::uuid[],
                $9::text[],
                $10::timestamp[]) as m (slot, tenant_id, lane, mark)
   cross join lateral (
     select 1 from carillon.run r
      where r.slot = m.slot and r.tenant_id = m.tenant_id and r.lane = m.lane
        and (r.run_at at time zone 'UTC') - r.priority * interval '1 minute' >= m.mark
      limit 1) there)
select found.slot, found.tenant_id as "tenantId", found.lane, t.weight,
       coalesce(t.state = 'suspended', false) or q.paused_at is not null or j.paused_at is not null as paused,
       nullif(t.limits, '{}') as tenant, nullif(j.limits, '{}') as "jobType", j.locks
  from found
  -- A limit, so that each is one look at an index: joined freely, all tenants are read for each slot.
  left join lateral (select weight, state, limits from carillon.tenant where id = found.tenant_id limit 1) t on true
  left join lateral (
    select paused_at from carillon.queue
     where tenant_id = found.tenant_id and name = split_part(found.lane, '/', 1) limit 1) q on true
  left join lateral (
    select limits, paused_at, locks from carillon.job_type
     where name = split_part(found.lane, '/', 2) and (tenant_id = found.tenant_id or tenant_id is null)
     order by tenant_id nulls last
     limit 1) j on true;
