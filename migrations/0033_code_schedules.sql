-- Schedules that are defined in code, beside the jobs that they start.

alter table carillon.schedule
  -- Where its content comes from. A request can't change what code defines.
  add column source text not null default 'api' check (source in ('api', 'code')),
  -- Since when no code defines it any more; null as long as some does.
  add column removed_from_code_at timestamptz;

-- Each version of a schedule that a living process defines. While an upgrade is under way there are several: the latest one
-- counts, and a schedule is removed once no version of it was seen for a minute.
create table carillon.schedule_definition (
  tenant_id uuid not null references carillon.tenant (id) on delete cascade,
  name text not null,
  -- Of the content, with its job type.
  digest text not null,
  -- When it was first seen, unless it was gone in between.
  since timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, name, digest)
);

-- Few schedules, or none, which each replica looks for three times a minute.
create index schedule_from_code on carillon.schedule (job_type) where source = 'code' and removed_from_code_at is null;
