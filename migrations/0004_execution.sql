-- Runs that wait or execute, the claims that hold them, and the runs that are over.

-- One index serves claims: a lane is a (slot, tenant) prefix, and a batch is a short walk from its head.
create table carillon.run (
  id uuid primary key,
  tenant_id uuid not null,
  slot smallint not null,
  job_type text not null,
  schedule_id uuid,
  due_at timestamptz,
  payload jsonb not null,
  priority smallint not null default 0,
  run_at timestamptz not null,
  attempt smallint not null default 1,
  failures smallint not null default 0,
  losses smallint not null default 0,
  crashes smallint not null default 0,
  -- Written before the start of a run that was lost before, and of no other: if that replica dies, too, the
  -- run is known to have been running, not only held.
  started_by integer,
  past_attempts jsonb,
  created_at timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
create index run_due on carillon.run (slot, tenant_id, priority desc, run_at, id);
create index run_of_schedule on carillon.run (schedule_id) where schedule_id is not null;

-- Fence 3: whoever takes this row away first decides its runs; whoever comes second finds nothing.
create table carillon.claim (
  id uuid primary key,
  replica integer not null,
  run_ids uuid[] not null,
  claimed_at timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
create index claim_of_replica on carillon.claim (replica);

-- Run ids are UUIDv7, so (tenant, id) is both the way to one run and the newest-first list.
create table carillon.run_history (
  id uuid not null,
  tenant_id uuid not null,
  slot smallint not null,
  job_type text not null,
  schedule_id uuid,
  due_at timestamptz,
  payload jsonb not null,
  priority smallint not null,
  run_at timestamptz not null,
  attempt smallint not null,
  past_attempts jsonb,
  created_at timestamptz not null,
  outcome text not null check (outcome in ('succeeded', 'failed', 'cancelled', 'expired', 'dead-lettered')),
  replica integer not null,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  output jsonb,
  error jsonb
) partition by range (finished_at);
create index run_history_of_tenant on carillon.run_history (tenant_id, id);
create table carillon.run_history_default partition of carillon.run_history default;
