insert into carillon.schedule_gap (schedule_id, tenant_id, spec, state, paused_until, suspended_at, resumed_at, from_at,
  to_at, outcome, reason)
select s.id, s.tenant_id, carillon.spec_of_gap(s.id, s.spec, g.from_at, g.to_at), s.state, s.paused_until,
  t.suspended_at, t.resumed_at, g.from_at, g.to_at, $1, $2
  from (select $3::timestamptz as from_at, $4::timestamptz as to_at) g
  join carillon.schedule s on s.id = $5
  join carillon.tenant t on t.id = s.tenant_id;
