insert into carillon.schedule_gap (schedule_id, tenant_id, spec, state, paused_until, suspended_at, resumed_at, from_at,
  to_at, outcome, reason)
select s.id, s.tenant_id, carillon.spec_of_gap(s.id, s.spec, g.from_at, g.to_at), s.state, s.paused_until,
  t.suspended_at, t.resumed_at, g.from_at, g.to_at, g.outcome, g.reason
  from unnest($1::uuid[],
              $2::timestamptz[],
              $3::timestamptz[],
              $4::bigint[],
              $5::text[],
              $6::text[]) as g (id, from_at, to_at, revision, outcome, reason)
  join carillon.schedule s on s.id = g.id and date_trunc('milliseconds', s.next_due_at) = g.from_at
    and s.revision = g.revision
 cross join lateral (select suspended_at, resumed_at from carillon.tenant where id = s.tenant_id limit 1) t
 where s.id = any($7::uuid[])
   for no key update of s;
