// Deletes a tenant's ended runs before the installation's retention ends. Whole days are dropped with their partitions
// (libs/database/migrating/partitions.ts); a tenant's shorter retention deletes row by row, a bounded number at once.
import { sql, type NotNull } from 'kysely';
import type { Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';

export async function listShortRetentions(
  db: Database,
  { installationDays }: { installationDays: number },
): Promise<{ tenantId: TenantId; days: number }[]> {
  return db
    .selectFrom('tenant')
    .select(['id as tenantId', 'retention_days as days'])
    .where('retention_days', '<', installationDays)
    .orderBy('id')
    .$narrowType<{ days: NotNull }>()
    .execute();
}

/** Resolves with how many were deleted; as many as the limit means that there may be more. */
export async function deleteEndedRuns(
  db: Database,
  { tenantId, days, limit }: { tenantId: TenantId; days: number; limit: number },
): Promise<number> {
  const before = sql`statement_timestamp() - make_interval(days => ${days}::int)`;
  const { numAffectedRows = 0n } = await sql`
    delete from carillon.run_history
     where tenant_id = ${tenantId} and finished_at < ${before}
       and id = any(array(select id from carillon.run_history
                           where tenant_id = ${tenantId} and finished_at < ${before} limit ${limit}))`.execute(
    db,
  );
  return Number(numAffectedRows);
}
