-- What more a run can say of itself (its queue, its limits' key, its tags, its deadline, how far it is), and the
-- order in which its owner takes it.

alter table carillon.run
  add column queue text not null default 'default',
  add column concurrency_key text,
  add column deadline timestamptz,
  add column tags text[],
  add column cancel_requested_at timestamptz,
  add column progress jsonb,
  -- What the handler last said of where it is, so that the next attempt can go on from there.
  add column details jsonb,
  -- Everything that can be paused or limited by itself has a lane of its own, so that what stands in one never
  -- keeps another waiting.
  add column lane text collate "C" not null
    generated always as (queue || '/' || job_type || coalesce('/' || concurrency_key, '')) stored;

-- Ageing without ever touching a row: a step of priority is worth a minute of waiting, so the order of any two
-- runs stays as it is.
drop index carillon.run_due;
create index run_due on carillon.run
  (slot, tenant_id, lane, ((run_at at time zone 'UTC') - priority * interval '1 minute'), id);

-- Who was cancelled or expired before it started has met no replica.
alter table carillon.run_history
  alter column replica drop not null,
  alter column started_at drop not null,
  add column queue text not null default 'default',
  add column concurrency_key text,
  add column deadline timestamptz,
  add column tags text[],
  add column progress jsonb;

alter table carillon.tenant
  add column weight integer not null default 1 check (weight between 1 and 1000),
  -- { maxConcurrent, maxQueued, rate: { count, perSeconds } }, each of them optional.
  add column limits jsonb not null default '{}',
  add column retention_days integer check (retention_days > 0);

alter table carillon.job_type
  -- { maxConcurrent, maxConcurrentPerKey, rate: { count, perSeconds } }, each of them optional.
  add column limits jsonb not null default '{}',
  add column output_schema jsonb,
  drop constraint job_type_kind_check,
  add constraint job_type_kind_check check (kind in ('handler', 'http', 'pull', 'queue'));

-- A queue needs a row only once it has been paused.
create table carillon.queue (
  tenant_id uuid not null references carillon.tenant (id) on delete cascade,
  name text not null,
  paused_at timestamptz,
  revision bigint not null default 1,
  primary key (tenant_id, name)
);
