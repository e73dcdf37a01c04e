-- Long work that a request has started, and the labels by which a request finds schedules.

-- One row for each operation. Its items are decided upon when it begins; `done` is how many of them have been dealt with,
-- written in the transaction that has dealt with them.
create table carillon.operation (
  id uuid primary key,
  tenant_id uuid not null references carillon.tenant (id) on delete cascade,
  kind text not null,
  -- What it is about, as its caller named it; null for many things.
  target text,
  state text not null default 'pending' check (state in ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
  input jsonb not null,
  items text[] not null,
  done integer not null default 0,
  counts jsonb not null default '{}',
  -- The runs that it has made, as far as they were not over when it last looked.
  unfinished_runs uuid[] not null default '{}',
  error text,
  -- While it has not ended: when some replica shall carry it on, because none does by then.
  carry_at timestamptz not null default clock_timestamp(),
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  check (done between 0 and cardinality(items)),
  check ((ended_at is null) = (state in ('pending', 'running')))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index operation_of_tenant on carillon.operation (tenant_id, id);
create index operation_unfinished on carillon.operation (tenant_id) where ended_at is null;
create index operation_to_carry on carillon.operation (carry_at) where ended_at is null;
create index operation_ended on carillon.operation (ended_at) where ended_at is not null;

alter table carillon.schedule add column labels jsonb not null default '{}' check (jsonb_typeof(labels) = 'object');
