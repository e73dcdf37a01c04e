// Queues. A queue exists as soon as a run names it; it has a row once it was paused.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';

export interface Queue {
  name: string;
  pausedAt: Date | null;
}

/** The queues that hold runs or were ever paused, by name, found by skipping along the index. */
export async function listQueues(
  db: Database,
  page: { tenantId: TenantId; afterName: string | null; limit: number },
): Promise<Queue[]> {
  const after = page.afterName ?? '';
  // '0' is the character after '/', so the next queue begins where this queue's lanes end.
  const { rows } = await sql<Queue>`
    with recursive lane as (
      (select slot, lane from carillon.run
        where slot = (select slot from carillon.tenant where id = ${page.tenantId}) and tenant_id = ${page.tenantId}
          and lane > (case when ${after} = '' then '' else ${after} || '0' end) collate "C"
        order by lane limit 1)
      union all
      select next.slot, next.lane
        from lane l
       cross join lateral (
         select r.slot, r.lane from carillon.run r
          where r.slot = l.slot and r.tenant_id = ${page.tenantId} and r.lane > (split_part(l.lane, '/', 1) || '0') collate "C"
          order by r.lane limit 1) next),
    named as (
      (select split_part(lane, '/', 1) as name from lane limit ${page.limit})
       union
      (select name from carillon.queue where tenant_id = ${page.tenantId} and name > ${after} collate "C"
        order by name collate "C" limit ${page.limit}))
    select n.name, q.paused_at as "pausedAt"
      from named n
      left join carillon.queue q on q.tenant_id = ${page.tenantId} and q.name = n.name
     order by n.name collate "C"
     limit ${page.limit}`.execute(db);
  return rows;
}

export async function findQueue(
  db: Database,
  { tenantId, name }: { tenantId: TenantId; name: string },
): Promise<Queue> {
  const row = await db
    .selectFrom('queue')
    .select(['name', 'paused_at as pausedAt'])
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .executeTakeFirst();
  return row ?? { name, pausedAt: null };
}

/** Pausing a paused queue keeps its first `pausedAt`. */
export async function pauseQueue(
  db: Database,
  { tenantId, name }: { tenantId: TenantId; name: string },
): Promise<void> {
  await db
    .insertInto('queue')
    .values({ tenant_id: tenantId, name, paused_at: sql<Date>`clock_timestamp()` })
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'name']).doUpdateSet({
        paused_at: sql<Date>`coalesce(queue.paused_at, excluded.paused_at)`,
        revision: sql<number>`queue.revision + 1`,
      }),
    )
    .execute();
}

export async function resumeQueue(
  db: Database,
  { tenantId, name }: { tenantId: TenantId; name: string },
): Promise<void> {
  await db
    .updateTable('queue')
    .set({ paused_at: null, revision: sql<number>`revision + 1` })
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .execute();
}
