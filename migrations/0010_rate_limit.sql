-- How often may runs start? One row for each limit that was ever touched: the instant up to which its tokens are
-- spent (the theoretical arrival time of the generic cell rate algorithm). Whoever starts a run takes its token
-- here first, so that the limit holds across hand-over and failover.
create table carillon.rate_bucket (
  tenant_id uuid not null references carillon.tenant (id) on delete cascade,
  -- Empty for the tenant's own limit.
  job_type text not null default '',
  spent_until timestamptz not null,
  primary key (tenant_id, job_type)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
