select id::text as id, schedule_id as "scheduleId", tenant_id as "tenantId", spec, state, outcome, reason,
  date_part('epoch', from_at) * 1000 as "fromMs", date_part('epoch', to_at) * 1000 as "toMs",
       date_part('epoch', paused_until) * 1000 as "pausedUntilMs",
       date_part('epoch', suspended_at) * 1000 as "suspendedMs", date_part('epoch', resumed_at) * 1000 as "resumedMs"
  from carillon.schedule_gap g
 where id <> all($1::bigint[])
   and not exists (select from carillon.schedule_gap former
                    where former.schedule_id = g.schedule_id and former.id < g.id and former.from_at < g.to_at
                      and former.to_at > g.from_at
                      and former.id <> all($2::bigint[]))
 order by from_at, id
 limit $3;
