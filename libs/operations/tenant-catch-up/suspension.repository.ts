// Reads a tenant's last suspension, and the operation that makes up for it.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';
import type { OperationId, TenantId } from '#kernel/ids.js';
import type { Suspension } from '#scheduling/decisions/standing.js';
import { suspensionOf } from '#scheduling/stored-suspension.js';

export interface LastSuspension {
  now: Date;
  /** Null if there never was one. */
  suspension: Suspension | null;
}

/** The caller holds the tenant's row. */
export async function readSuspension(tx: Tx, tenantId: TenantId): Promise<LastSuspension> {
  const { now, ...row } = await tx
    .selectFrom('tenant')
    .select([
      sql<Date>`clock_timestamp()`.as('now'),
      sql<number | null>`date_part('epoch', suspended_at) * 1000`.as('suspendedMs'),
      sql<number | null>`date_part('epoch', resumed_at) * 1000`.as('resumedMs'),
    ])
    .where('id', '=', tenantId)
    .executeTakeFirstOrThrow();
  return { now, suspension: suspensionOf(row) };
}

/** The one that was asked for first; undefined when none was, or it has been cleared away. */
export async function findOfSuspension(
  tx: Tx,
  { tenantId, kind, from }: { tenantId: TenantId; kind: string; from: Date },
): Promise<OperationId | undefined> {
  const row = await tx
    .selectFrom('operation')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('kind', '=', kind)
    .where(sql`input ->> 'from'`, '=', from.toISOString())
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}
