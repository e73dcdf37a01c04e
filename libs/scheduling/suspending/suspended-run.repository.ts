// Takes back runs that were planned for a tenant and fell into its suspension. The runs go, and their due times become
// skipped. A run that has started once, or that was requested by itself, stays and waits.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import { isDueTimeOf } from '#database/due-time-key.js';
import type { RunId, Slot, TenantId } from '#kernel/ids.js';
import { BACKFILL } from '#scheduling/decisions/planning.js';

export interface SuspendedTenant {
  id: TenantId;
  slot: Slot;
  revision: number;
}

export async function listSuspendedTenants(db: Database, limit: number): Promise<SuspendedTenant[]> {
  const { rows } = await sql<SuspendedTenant>`
    select id, slot, revision from carillon.tenant where state = 'suspended' order by id limit ${limit}`.execute(
    db,
  );
  return rows;
}

/**
 * Due runs of the tenant's schedules that may still be taken back: found by its schedules, not among all waiting runs.
 * A limit for each schedule forces that; joined freely, all runs are read where the statistics are those of an empty
 * table.
 */
export async function findPlannedDue(
  db: Database,
  { tenantId, limit }: { tenantId: TenantId; limit: number },
): Promise<RunId[]> {
  const { rows } = await sql<{ id: RunId }>`
    select due.id
      from carillon.schedule s
     cross join lateral (
       select r.id from carillon.run r
        where r.schedule_id = s.id and r.due_at <= now() and r.attempt = 1 and ${isUntouched}
        limit ${limit}) due
     where s.tenant_id = ${tenantId}
     limit ${limit}`.execute(db);
  return rows.map(({ id }) => id);
}

/**
 * For a run `r`: no claim and no lease holds it, and its due time is not decided. One that was due before the
 * suspension, and whose start is put off by the schedule's jitter, waits, as runs of a backfill do. The fire as one
 * value, since as a join it finds the runs.
 */
const isUntouched = sql`r.id not in (select unnest(c.run_ids) from carillon.claim c)
         and not exists (select 1 from carillon.lease l where l.run_id = r.id)
         and (select f.outcome from carillon.fire f where f.schedule_id = r.schedule_id and f.due_at = r.due_at
                  and f.reason is distinct from ${sql.lit(BACKFILL)}
                 and (f.jitter_ms is null or f.due_at >= (select t.suspended_at from carillon.tenant t where t.id = r.tenant_id))) = 'planned'`;

/**
 * The caller holds off the claims of the tenant's slot, so that a claim is either visible here or comes after this. A
 * tenant that is no longer suspended keeps its runs. Resolves with how many due times were skipped.
 */
export async function skipPlanned(
  tx: Tx,
  { tenantId, ids }: { tenantId: TenantId; ids: readonly RunId[] },
): Promise<number> {
  const { rows } = await sql`
    with skipped as (
      delete from carillon.run r
       where r.id = any(${[...ids]}::uuid[]) and r.tenant_id = ${tenantId} and r.due_at <= now() and r.attempt = 1
         and exists (select 1 from carillon.tenant t where t.id = ${tenantId} and t.state = 'suspended')
         and ${isUntouched}
      returning r.id, r.schedule_id, r.due_at)
    update carillon.fire f set outcome = 'skipped', reason = 'suspended', run_id = null
      from skipped s
     where ${isDueTimeOf('s')} and f.run_id = s.id
    returning 1`.execute(tx);
  return rows.length;
}
