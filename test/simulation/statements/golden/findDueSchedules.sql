select date_part('epoch', now()) * 1000 as "nowMs", due.id, due.spec, due.catch_up as "catchUp", due.state,
  due.revision, due.is_past as "isPast",
       due.tenant_id as "tenantId", due.limits -> 'maxQueued' as "maxQueued",
       date_part('epoch', date_trunc('milliseconds', due.next_due_at)) * 1000 as "nextDueMs",
       date_part('epoch', due.paused_until) * 1000 as "pausedUntilMs",
       date_part('epoch', due.suspended_at) * 1000 as "suspendedMs", date_part('epoch',
         due.resumed_at) * 1000 as "resumedMs"
  from (
    (select s.id, s.tenant_id, s.spec, s.catch_up, s.state, s.paused_until, s.revision, s.next_due_at, t.suspended_at,
      t.resumed_at, t.limits, false as is_past
       from carillon.schedule s cross join lateral (select state, suspended_at, resumed_at,
         limits from carillon.tenant where id = s.tenant_id limit 1) t
      where s.next_due_at >= now() - make_interval(secs => $1::float8)
        and s.next_due_at <= now() + make_interval(secs => $2::float8)
        and ((s.state = 'active' or s.paused_until <= s.next_due_at) and t.state = 'active'
          and s.tenant_id <> all($3::uuid[]) or s.next_due_at <= now())
        and s.id <> all($4::uuid[])
      order by s.next_due_at
      limit $5)
     union all
    (select s.id, s.tenant_id, s.spec, s.catch_up, s.state, s.paused_until, s.revision, s.next_due_at, t.suspended_at,
      t.resumed_at, t.limits, true
       from carillon.schedule s cross join lateral (select state, suspended_at, resumed_at,
         limits from carillon.tenant where id = s.tenant_id limit 1) t
      where s.next_due_at < now() - make_interval(secs => $6::float8) and s.id <> all($7::uuid[])
      order by s.next_due_at
      limit $8)) due;

select date_part('epoch', now()) * 1000 as "nowMs", due.id, due.spec, due.catch_up as "catchUp", due.state,
  due.revision, due.is_past as "isPast",
       due.tenant_id as "tenantId", due.limits -> 'maxQueued' as "maxQueued",
       date_part('epoch', date_trunc('milliseconds', due.next_due_at)) * 1000 as "nextDueMs",
       date_part('epoch', due.paused_until) * 1000 as "pausedUntilMs",
       date_part('epoch', due.suspended_at) * 1000 as "suspendedMs", date_part('epoch',
         due.resumed_at) * 1000 as "resumedMs"
  from (
    (select s.id, s.tenant_id, s.spec, s.catch_up, s.state, s.paused_until, s.revision, s.next_due_at, t.suspended_at,
      t.resumed_at, t.limits, false as is_past
       from carillon.schedule s cross join lateral (select state, suspended_at, resumed_at,
         limits from carillon.tenant where id = s.tenant_id limit 1) t
      where s.next_due_at >= now() - make_interval(secs => $1::float8)
        and s.next_due_at <= now() + make_interval(secs => $2::float8)
        and ((s.state = 'active' or s.paused_until <= s.next_due_at) and t.state = 'active'
          and s.tenant_id <> all($3::uuid[]) or s.next_due_at <= now())
        and s.id <> all($4::uuid[]) and s.tenant_id <> all($5::uuid[])
      order by s.next_due_at
      limit $6)
     union all
    (select s.id, s.tenant_id, s.spec, s.catch_up, s.state, s.paused_until, s.revision, s.next_due_at, t.suspended_at,
      t.resumed_at, t.limits, true
       from carillon.schedule s cross join lateral (select state, suspended_at, resumed_at,
         limits from carillon.tenant where id = s.tenant_id limit 1) t
      where s.next_due_at < now() - make_interval(secs => $7::float8) and s.id <> all($8::uuid[])
        and s.tenant_id <> all($9::uuid[])
      order by s.next_due_at
      limit $10)) due;

select date_part('epoch', now()) * 1000 as "nowMs", due.id, due.spec, due.catch_up as "catchUp", due.state,
  due.revision, due.is_past as "isPast",
       due.tenant_id as "tenantId", due.limits -> 'maxQueued' as "maxQueued",
       date_part('epoch', date_trunc('milliseconds', due.next_due_at)) * 1000 as "nextDueMs",
       date_part('epoch', due.paused_until) * 1000 as "pausedUntilMs",
       date_part('epoch', due.suspended_at) * 1000 as "suspendedMs", date_part('epoch',
         due.resumed_at) * 1000 as "resumedMs"
  from (
    (select s.id, s.tenant_id, s.spec, s.catch_up, s.state, s.paused_until, s.revision, s.next_due_at, t.suspended_at,
      t.resumed_at, t.limits, false as is_past
       from carillon.schedule s cross join lateral (select state, suspended_at, resumed_at,
         limits from carillon.tenant where id = s.tenant_id limit 1) t
      where s.next_due_at >= now() - make_interval(secs => $1::float8)
        and s.next_due_at <= now() + make_interval(secs => $2::float8)
        and ((s.state = 'active' or s.paused_until <= s.next_due_at) and t.state = 'active'
          and s.tenant_id <> all($3::uuid[]) or s.next_due_at <= now())
        and s.id <> all($4::uuid[]) and s.tenant_id = any($5::uuid[])
      order by s.next_due_at
      limit $6)
     union all
    (select s.id, s.tenant_id, s.spec, s.catch_up, s.state, s.paused_until, s.revision, s.next_due_at, t.suspended_at,
      t.resumed_at, t.limits, true
       from carillon.schedule s cross join lateral (select state, suspended_at, resumed_at,
         limits from carillon.tenant where id = s.tenant_id limit 1) t
      where s.next_due_at < now() - make_interval(secs => $7::float8) and s.id <> all($8::uuid[])
        and s.tenant_id = any($9::uuid[])
      order by s.next_due_at
      limit $10)) due;
