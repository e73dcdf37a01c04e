-- What attempts say while they run, and how long one may be silent.

-- Numbers are given out under a lock (libs/execution/run-log.repository.ts), so that whoever reads on from one misses
-- none. A sequence and not an identity, which partitions have only since version 17.
create sequence carillon.run_log_seq;

create table carillon.run_log (
  run_id uuid not null,
  seq bigint not null default nextval('carillon.run_log_seq'),
  at timestamptz not null,
  attempt smallint not null,
  -- Where the attempt ran: lines of one that was lost are told apart from those of the next.
  replica integer,
  level text not null check (level in ('debug', 'info', 'warn', 'error')),
  message text not null,
  fields jsonb
) partition by range (at);
create index run_log_of_run on carillon.run_log (run_id, seq);
create table carillon.run_log_default partition of carillon.run_log default;

alter table carillon.job_type
  add column heartbeat_ms integer check (heartbeat_ms > 0);
