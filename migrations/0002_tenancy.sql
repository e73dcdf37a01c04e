-- Tenants, the keys that speak for them, and the kinds of work they may ask for.

create table carillon.tenant (
  id uuid primary key,
  name text not null unique,
  display_name text not null,
  slot smallint not null,
  state text not null default 'active' check (state in ('active', 'suspended')),
  created_at timestamptz not null default clock_timestamp(),
  revision bigint not null default 1
);

-- A key is 256 random bits, so one fast hash of it is as good as a slow one. No tenant means cluster admin.
create table carillon.api_key (
  id uuid primary key,
  tenant_id uuid references carillon.tenant (id) on delete cascade,
  name text not null,
  hash bytea not null unique,
  role text not null check (role in ('admin', 'tenant-admin')),
  created_at timestamptz not null default clock_timestamp(),
  revoked_at timestamptz
);

-- No tenant means: registered by the replicas' own handlers and there for every tenant.
create table carillon.job_type (
  id uuid primary key,
  tenant_id uuid references carillon.tenant (id) on delete cascade,
  name text not null,
  kind text not null check (kind in ('handler', 'http')),
  target jsonb not null,
  payload_schema jsonb,
  retry jsonb not null,
  timeout_ms integer not null check (timeout_ms > 0),
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  revision bigint not null default 1,
  unique nulls not distinct (tenant_id, name)
);
