-- The first runs of a lane that are due, in the order of their ranks, past none that is due later. A run's rank is its time less a
-- minute for each step of its priority, so a walk in that order went through all runs that a priority puts before their time, or that
-- are due so soon that one of a low priority might be due with such a rank: 200,000 reminders of the next 100 minutes took 180 ms of
-- each claim of their replica, now 0.1. In an index by priority and time what is due of each priority comes first.

drop index carillon.run_due;
create index run_by_priority on carillon.run (slot, tenant_id, lane, priority, (run_at at time zone 'UTC'), id);

-- The planner puts the texts of these two in where they are called, so they may have no settings of their own.

create function carillon.due_runs(
  of_slot smallint,
  of_tenant uuid,
  of_lane text,
  due_until timestamptz,
  -- The position that the walk begins behind.
  behind_rank timestamp,
  behind_id uuid,
  excluded uuid[],
  most integer
) returns setof carillon.run
  language sql stable
as $$
  with recursive level as (
    (select r.priority from carillon.run r
      where r.slot = of_slot and r.tenant_id = of_tenant and r.lane = of_lane
      order by r.priority limit 1)
     union all
    select next.priority
      from level l
     cross join lateral (
       select r.priority from carillon.run r
        where r.slot = of_slot and r.tenant_id = of_tenant and r.lane = of_lane and r.priority > l.priority
        order by r.priority limit 1) next)
  select due.*
    from level l
   cross join lateral (
     select r.* from carillon.run r
      where r.slot = of_slot and r.tenant_id = of_tenant and r.lane = of_lane and r.priority = l.priority
        and (r.run_at at time zone 'UTC', r.id) > (behind_rank + l.priority * interval '1 minute', behind_id)
        and r.run_at at time zone 'UTC' <= due_until at time zone 'UTC'
        and r.id <> all(excluded)
      order by r.run_at at time zone 'UTC', r.id
      limit most) due
   order by (due.run_at at time zone 'UTC') - due.priority * interval '1 minute', due.id
   limit most
$$;

-- One row if the lane holds any run of this rank or a later one, due or not.
create function carillon.holds_from(of_slot smallint, of_tenant uuid, of_lane text, rank timestamp) returns setof integer
  language sql stable
as $$
  with recursive level as (
    (select r.priority from carillon.run r
      where r.slot = of_slot and r.tenant_id = of_tenant and r.lane = of_lane
      order by r.priority limit 1)
     union all
    select next.priority
      from level l
     cross join lateral (
       select r.priority from carillon.run r
        where r.slot = of_slot and r.tenant_id = of_tenant and r.lane = of_lane and r.priority > l.priority
        order by r.priority limit 1) next)
  select 1
    from level l
   cross join lateral (
     select from carillon.run r
      where r.slot = of_slot and r.tenant_id = of_tenant and r.lane = of_lane and r.priority = l.priority
        and r.run_at at time zone 'UTC' >= rank + l.priority * interval '1 minute'
      limit 1) there
   limit 1
$$;

-- The functions of 0048, with these walks.
do $do$
declare
  of_function regproc;
  was text;
  becomes text;
  former text;
begin
  for of_function, was, becomes in values
    ('carillon.look_and_claim'::regproc, $was$from carillon.run r
                  where r.slot = u.slot and r.tenant_id = u.tenant_id and r.lane = u.lane
                    and r.run_at <= began_at + make_interval(secs => ahead_ms / 1000)
                    -- As in rank.ts: or the walk goes through all that is due much later.
                    and (r.run_at at time zone 'UTC') - r.priority * interval '1 minute'
                        <= (began_at + make_interval(secs => ahead_ms / 1000)) at time zone 'UTC' + interval '100 minutes'
                    and r.id <> all(look_and_claim.excluded)
                  order by (r.run_at at time zone 'UTC') - r.priority * interval '1 minute', r.id
                  limit look_and_claim.runs_of_lane) w)$was$,
$becomes$from carillon.due_runs(u.slot, u.tenant_id, u.lane, began_at + make_interval(secs => ahead_ms / 1000), '-infinity',
                                            '00000000-0000-0000-0000-000000000000', look_and_claim.excluded, look_and_claim.runs_of_lane)) w)$becomes$),
    ('carillon.take_in'::regproc, $was$
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
                where before.place > 300 or before.run_at <= made_at and before.id <> all(take_in.held))),$was$, $becomes$
         -- None of the lane is due and stands before them. Those of this call are not seen. The mark is one of another clock, and
         -- must lie behind.
         and not exists (
               select
                 from carillon.due_runs(l.slot, l.tenant_id, l.lane, made_at, least(l.mark, (made_at - interval '1 second') at time zone 'UTC'),
                                        '00000000-0000-0000-0000-000000000000', take_in.held, 1) r
                where (r.run_at at time zone 'UTC') - r.priority * interval '1 minute' <= made_at at time zone 'UTC')),$becomes$)
  loop
    former := pg_get_functiondef(of_function);
    if strpos(former, was) = 0 then
      raise exception 'expected the text of migration 0048 in %, got %', of_function, former;
    end if;
    execute replace(former, was, becomes);
  end loop;
end
$do$;
