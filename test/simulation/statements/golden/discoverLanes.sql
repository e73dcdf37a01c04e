with found as materialized (
  select s.slot, skipped.tenant_id, skipped.lane
    from (select p.slot, coalesce(p.tenant_id, $1) as tenant_id, coalesce(p.lane, '') as lane,
                 coalesce(p.end_tenant, $2) as end_tenant, coalesce(p.end_lane, '') as end_lane
            from unnest($3::smallint[],
                        $4::uuid[],
                        $5::text[],
                        $6::uuid[],
                        $7::text[])
                 as p (slot, tenant_id, lane, end_tenant, end_lane)) s
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
     select tenant_id, lane from skipped limit $8) skipped
   union all
  select m.slot, m.tenant_id, m.lane
    from unnest($9::smallint[],
                $10::uuid[],
                $11::text[],
                $12::timestamp[]) as m (slot, tenant_id, lane, mark)
   cross join lateral carillon.holds_from(m.slot, m.tenant_id, m.lane, m.mark) there)
select found.slot, found.tenant_id as "tenantId", found.lane, t.weight,
       coalesce(t.state = 'suspended', false) or q.paused_at is not null or j.paused_at is not null as paused,
       nullif(t.limits, '{}') as tenant, nullif(j.limits, '{}') as "jobType", j.locks
  from found
  -- A limit, so that each is one look at an index: joined freely, all tenants are read for each slot.
  left join lateral (select weight, state, limits from carillon.tenant where id = found.tenant_id limit 1) t on true
  left join lateral (
    select paused_at from carillon.queue
     where tenant_id = found.tenant_id and name = split_part(found.lane collate "default", '/', 1) limit 1) q on true
  left join lateral (
    select limits, paused_at, locks from carillon.job_type
     where id = coalesce((select id from carillon.job_type where tenant_id = found.tenant_id
       and name = split_part(found.lane collate "default", '/', 2)),
       (select id from carillon.job_type where tenant_id is null and name = split_part(found.lane collate "default",
       '/', 2)))
     limit 1) j on true;
