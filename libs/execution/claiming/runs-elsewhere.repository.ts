// Runs of a replica's slots that are elsewhere: under another replica's claim, or under a lease.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { ReplicaNumber, RunId, Slot } from '#kernel/ids.js';
import type { Occupant } from '#execution/limits/occupancy.js';

export interface RunElsewhere extends Occupant {
  slot: Slot;
  id: RunId;
  /** Under a lease, outside of the replicas; no claim finds it. */
  isLeased: boolean;
}

/**
 * Runs in these slots that are elsewhere: claimed by another replica or a former owner that finishes them, or leased.
 */
export async function runsElsewhere(
  db: Database,
  { replica, slots }: { replica: ReplicaNumber; slots: readonly Slot[] },
): Promise<RunElsewhere[]> {
  const { rows } = await sql<RunElsewhere>`
    select r.slot, r.id, r.tenant_id as "tenantId", r.job_type as "jobType", r.concurrency_key as "concurrencyKey", false as "isLeased"
      from carillon.claim c
     cross join lateral unnest(c.run_ids) as held (id)
     cross join lateral (select * from carillon.run where id = held.id limit 1) r
     where c.replica <> ${replica} and r.slot = any(${[...slots]}::smallint[])
     union all
    select slot, run_id, tenant_id, job_type, concurrency_key, true from carillon.lease where slot = any(${[...slots]}::smallint[])`.execute(
    db,
  );
  return rows;
}
