// How many schedules, keys and the like does a tenant have? The tenant's row is locked first, so that of many
// requests that would add to them one does so at a time, and counts the rows that the others have added. Rows kept
// only as a record are deleted, oldest first, when a new row needs the place.
import { sql, type RawBuilder } from 'kysely';
import type { Tx } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';

interface Counted {
  table: RawBuilder<unknown>;
  /** The rows that may be deleted for a new one, and their order. */
  spare: RawBuilder<unknown> | null;
}

/** No living worker is silent for so long: a waiting acquire lasts 50 seconds at most. */
const SILENT_WORKER_SECONDS = 120;

const COUNTED = {
  maxSchedules: { table: sql`carillon.schedule`, spare: null },
  maxJobTypes: { table: sql`carillon.job_type`, spare: null },
  maxApiKeys: { table: sql`carillon.api_key`, spare: sql`revoked_at is not null order by revoked_at` },
  maxWorkers: {
    table: sql`carillon.worker`,
    spare: sql`heartbeat_at < clock_timestamp() - make_interval(secs => ${sql.lit(SILENT_WORKER_SECONDS)}) order by heartbeat_at`,
  },
  maxOperations: {
    table: sql`(select tenant_id from carillon.operation where ended_at is null) unfinished`,
    spare: null,
  },
  maxPausedQueues: { table: sql`carillon.queue`, spare: sql`paused_at is null order by name` },
} as const satisfies Record<string, Counted>;

export type CountedShare = keyof typeof COUNTED;

export async function countAlone(tx: Tx, tenantId: TenantId, name: CountedShare): Promise<number> {
  // `no key update`, since each new run of the tenant refers to the key. The count is a statement of its own, so that
  // it sees the rows that the lock waited for.
  await sql`select from carillon.tenant where id = ${tenantId} for no key update`.execute(tx);
  const { rows } = await sql<{ current: number }>`
    select count(*)::int as current from ${COUNTED[name].table} where tenant_id = ${tenantId}`.execute(tx);
  return rows[0]?.current ?? 0;
}

/** Resolves with the number of deleted rows. */
export async function deleteSpare(
  tx: Tx,
  tenantId: TenantId,
  { name, limit }: { name: CountedShare; limit: number },
): Promise<number> {
  const { table, spare } = COUNTED[name];
  if (spare === null) return 0;
  // A row with a new heartbeat, or paused again, meanwhile has another ctid, and stays.
  const { numAffectedRows = 0n } = await sql`
    delete from ${table}
     where tenant_id = ${tenantId} and ctid in (select ctid from ${table} where tenant_id = ${tenantId} and ${spare} limit ${limit})`.execute(
    tx,
  );
  return Number(numAffectedRows);
}

/** The number of these names that are already job types of the tenant. */
export async function countJobTypesNamed(
  tx: Tx,
  tenantId: TenantId,
  names: readonly string[],
): Promise<number> {
  const { known } = await tx
    .selectFrom('job_type')
    .select(sql<number>`count(*)::int`.as('known'))
    .where('tenant_id', '=', tenantId)
    .where('name', '=', sql<string>`any(${[...names]}::text[])`)
    .executeTakeFirstOrThrow();
  return known;
}
