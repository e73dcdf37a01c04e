// Token buckets, one row for each limit: when each is locked, and when its tokens are spent.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';

export interface BucketKey {
  tenantId: TenantId;
  /** Empty for the tenant's own limit. */
  jobType: string;
}

export interface Bucket extends BucketKey {
  spentUntilMs: number;
  nowMs: number;
}

/** Locks the buckets until commit, always in the same order. A bucket without a row is full. */
export async function lockBuckets(tx: Tx, keys: readonly BucketKey[]): Promise<Bucket[]> {
  const { rows } = await sql<Bucket>`
    insert into carillon.rate_bucket as b (tenant_id, job_type, spent_until)
    select k.tenant_id, k.job_type, clock_timestamp() - interval '1 hour'
      from unnest(${keys.map((key) => key.tenantId)}::uuid[], ${keys.map((key) => key.jobType)}::text[]) as k (tenant_id, job_type)
      join carillon.tenant t on t.id = k.tenant_id
     order by k.tenant_id, k.job_type
    on conflict (tenant_id, job_type) do update set spent_until = b.spent_until
    returning b.tenant_id as "tenantId", b.job_type as "jobType",
              extract(epoch from b.spent_until)::float8 * 1000 as "spentUntilMs",
              extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs"`.execute(tx);
  return rows;
}

export async function spend(
  tx: Tx,
  buckets: readonly (BucketKey & { spentUntilMs: number })[],
): Promise<void> {
  await sql`
    update carillon.rate_bucket b
       set spent_until = to_timestamp(s.until_ms / 1000.0)
      from unnest(${buckets.map((bucket) => bucket.tenantId)}::uuid[],
                  ${buckets.map((bucket) => bucket.jobType)}::text[],
                  ${buckets.map((bucket) => bucket.spentUntilMs)}::float8[]) as s (tenant_id, job_type, until_ms)
     where b.tenant_id = s.tenant_id and b.job_type = s.job_type`.execute(tx);
}
