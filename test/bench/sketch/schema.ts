// Which tables does the sketch have? Those of the protocol with one index each way, and nothing of what a product adds:
// no limits, no failures, no unique keys, no ways to list.

const RUN_COLUMNS = `
  id uuid not null,
  tenant_id uuid not null,
  slot smallint not null,
  schedule_id uuid,
  due_at timestamptz,
  job_type text not null,
  target jsonb,
  payload jsonb not null,
  priority smallint not null default 0,
  run_at timestamptz not null,
  attempt smallint not null default 0,
  max_attempts smallint not null default 3,
  unique_key text,
  trace text,
  created_at timestamptz not null default now()`;

export const SCHEMA = `
create table run (${RUN_COLUMNS}, primary key (id));
create index run_due on run (slot, tenant_id, priority desc, run_at, id);
create table replica (number integer primary key, state text not null, port integer not null default 0);
create table claim (id uuid primary key, replica integer not null, run_ids uuid[] not null, at timestamptz not null default now());
create table run_history (${RUN_COLUMNS},
  outcome smallint not null,
  started_at timestamptz,
  finished_at timestamptz not null,
  replica integer,
  result jsonb,
  error jsonb) partition by range (finished_at);
create table run_history_all partition of run_history for values from ('2020-01-01') to ('2100-01-01');
create index on run_history (tenant_id, finished_at desc, id);`;
