-- When work is due, and the ledger of what became of each due time.

create table carillon.schedule (
  id uuid primary key,
  tenant_id uuid not null references carillon.tenant (id) on delete cascade,
  slot smallint not null,
  name text not null,
  job_type text not null,
  spec jsonb not null,
  payload jsonb not null default '{}',
  state text not null default 'active' check (state in ('active', 'paused')),
  -- The first due time that is not planned yet; null when none will come.
  next_due_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  revision bigint not null default 1,
  unique (tenant_id, name)
) with (fillfactor = 80);

-- The planner's one range scan. Paused schedules stay in it: their due times are decided too (skipped).
create index schedule_due on carillon.schedule (next_due_at) where next_due_at is not null;

-- I1: the primary key is the promise. One row per (schedule, due time), decided once.
create table carillon.fire (
  schedule_id uuid not null,
  due_at timestamptz not null,
  tenant_id uuid not null,
  outcome text not null check (outcome in ('planned', 'fired', 'late', 'skipped', 'coalesced', 'missed')),
  reason text,
  run_id uuid,
  term bigint not null,
  planned_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  primary key (schedule_id, due_at)
) partition by range (due_at);

-- Days are made ahead by a job; the default partition only makes sure that no fire is ever refused.
create table carillon.fire_default partition of carillon.fire default;
