-- The due times that nobody planned in time, which are decided behind the present; and when a tenant was suspended, since
-- what was due then is skipped, whenever it is decided.

-- One row for each stretch of a schedule's past: each due time from from_at on and before to_at still gets its row in the
-- ledger. It keeps what its schedule was when it was left behind, and belongs to no schedule any more: one may be changed
-- or deleted meanwhile, and its past stays what it was.
create table carillon.schedule_gap (
  id bigint generated always as identity primary key,
  schedule_id uuid not null,
  tenant_id uuid not null references carillon.tenant (id) on delete cascade,
  spec jsonb not null,
  state text not null check (state in ('active', 'paused')),
  suspended_at timestamptz,
  resumed_at timestamptz,
  -- The first due time that is not decided yet.
  from_at timestamptz not null,
  to_at timestamptz not null,
  -- Why what could have run then is missed.
  reason text not null,
  check (from_at < to_at)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
        vacuum_index_cleanup = on, vacuum_truncate = off);
create index schedule_gap_oldest on carillon.schedule_gap (from_at, id);
create index schedule_gap_of_schedule on carillon.schedule_gap (schedule_id, from_at);

alter table carillon.tenant
  add column suspended_at timestamptz,
  -- Null while the suspension lasts, or if there never was one.
  add column resumed_at timestamptz;
update carillon.tenant set suspended_at = clock_timestamp() where state = 'suspended';
create index tenant_suspended on carillon.tenant (id) where state = 'suspended';

-- By a trigger, so that a replica of the version before and a statement by hand keep them as well.
create function carillon.note_suspension() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if new.state = 'suspended' then
    new.suspended_at := clock_timestamp();
    new.resumed_at := null;
  else
    new.resumed_at := clock_timestamp();
  end if;
  return new;
end
$$;
create trigger note_suspension before update of state on carillon.tenant
  for each row when (old.state is distinct from new.state) execute function carillon.note_suspension();

-- What no replica can write down is refused when it is written, also by hand. Rows that are there already stay as they are.
alter table carillon.schedule add constraint next_due_at_is_of_the_years_1_to_9999
  check (next_due_at >= '0001-01-01 00:00:00+00' and next_due_at < '10000-01-01 00:00:00+00') not valid;
alter table carillon.run add constraint run_at_is_of_the_years_1_to_9999
  -- Infinity is ours: a run that goes on outside is claimed by no owner.
  check (run_at = 'infinity' or (run_at >= '0001-01-01 00:00:00+00' and run_at < '10000-01-01 00:00:00+00')) not valid;
alter table carillon.run add constraint deadline_is_of_the_years_1_to_9999
  check (deadline >= '0001-01-01 00:00:00+00' and deadline < '10000-01-01 00:00:00+00') not valid;
