with noted as materialized (select id, schedule_id from carillon.schedule_failure order by id limit $1)
select n.id, n.notes, s.tenant_id as "tenantId", s.slot, s.name, s.revision, f.failures,
       f.failures >= s.pause_after_failures as "isDue"
  from (select schedule_id as id, array_agg(id::text) as notes from noted group by schedule_id) n
  left join carillon.schedule s
    on s.id = n.id and s.pause_after_failures is not null
   and not (s.state = 'paused' and (s.paused_until is null or s.paused_until > now()))
  left join lateral (select carillon.consecutive_failures(s.id, s.failures_since) as failures) f on true;
