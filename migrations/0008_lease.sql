-- Work that is done outside of the replicas: who does it and until when, how it ended, and the secrets by which
-- an HTTP endpoint knows our calls.

create table carillon.worker (
  id uuid primary key,
  tenant_id uuid not null references carillon.tenant (id) on delete cascade,
  name text not null,
  job_types text[] not null,
  slots integer not null check (slots > 0),
  labels jsonb not null default '{}',
  state text not null default 'run' check (state in ('run', 'quiet', 'terminate')),
  registered_at timestamptz not null default clock_timestamp(),
  heartbeat_at timestamptz not null default clock_timestamp()
);
create index worker_of_tenant on carillon.worker (tenant_id, id);
create index worker_heartbeat on carillon.worker (heartbeat_at);

-- Grows with each lease that is taken, so that whatever a worker writes to can refuse an earlier holder.
create sequence carillon.lease_fencing;

-- The claim's sibling for a run that goes on outside of the replicas. Whoever deletes the row decides the run;
-- whoever comes second finds nothing. While it exists the run's own run_at is infinity, so no owner claims it.
create table carillon.lease (
  id uuid primary key,
  run_id uuid not null unique,
  kind text not null check (kind in ('pull', 'push')),
  tenant_id uuid not null,
  slot smallint not null,
  job_type text not null,
  queue text not null,
  concurrency_key text,
  priority smallint not null,
  attempt smallint not null,
  -- When the run was due; it gets this back when the lease ends.
  run_at timestamptz not null,
  deadline timestamptz,
  -- Who parked it.
  replica integer not null,
  state text not null check (state in ('offered', 'taken')),
  offered_at timestamptz not null,
  -- Without a heartbeat for this long it is lost. Null for an endpoint, which need not beat.
  lease_ms integer check (lease_ms > 0),
  timeout_ms integer not null check (timeout_ms > 0),
  worker uuid,
  request_id text,
  fencing bigint,
  taken_at timestamptz,
  heartbeat_at timestamptz,
  times_out_at timestamptz,
  -- The next instant at which something must happen to it unless somebody beats or ends it before.
  expires_at timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
-- In the order in which an owner would start them.
create index lease_offered on carillon.lease
  (tenant_id, job_type, ((run_at at time zone 'UTC') - priority * interval '1 minute'), id) where state = 'offered';
create index lease_expiry on carillon.lease (expires_at);
create index lease_of_slot on carillon.lease (slot);
create index lease_of_worker on carillon.lease (worker) where worker is not null;

-- What was answered when a lease ended, for whoever did not get the answer and asks again.
create table carillon.ended_lease (
  id uuid primary key,
  verb text not null,
  answer jsonb not null,
  ended_at timestamptz not null default clock_timestamp()
);
create index ended_lease_age on carillon.ended_lease (ended_at);

-- Kept as they are, because they must sign. With an instant they are on their way out.
create table carillon.webhook_secret (
  id uuid primary key,
  tenant_id uuid not null references carillon.tenant (id) on delete cascade,
  secret text not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz
);
create index webhook_secret_of_tenant on carillon.webhook_secret (tenant_id, created_at);
