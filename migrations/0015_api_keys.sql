-- Keys that can be told apart without their secret, and that say when they were used. A key of the configuration is named
-- again and again by the replicas that are configured with it, and ends soon after the last time.

alter table carillon.api_key
  add column prefix text,
  add column last_used_at timestamptz,
  add column named_at timestamptz;

-- Who is configured with them will say so at the next start; until then they go on.
update carillon.api_key set named_at = clock_timestamp() where tenant_id is null;

create index api_key_tenant on carillon.api_key (tenant_id, id);
