// Which runs block a key whose runs start in their order? Rows of `key_block`, which triggers write as a run goes back for
// another attempt or fails for good (migrations/0039). One that is put off has begun no attempt, which no trigger sees, so
// its settlement says so here.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { RunId, TenantId } from '#kernel/ids.js';

/** Runs of such keys that were put off in this transaction, whose claims it has locked. */
export async function blockForPutOff(tx: Tx, ids: readonly RunId[]): Promise<void> {
  await sql`
    insert into carillon.key_block (tenant_id, job_type, key, run_id, slot, lane)
    select tenant_id, job_type, substr(concurrency_key, 16), id, slot, lane
      from carillon.run
     where id = any(${[...ids]}::uuid[]) and concurrency_key like 'overlap/strict/_%'
     order by id
    on conflict do nothing`.execute(tx);
}

export interface BlockedKey {
  jobType: string;
  key: string;
  runId: RunId;
  since: Date;
  /** `gone`: it has failed, and its retention is over. */
  why: 'retrying' | 'failed' | 'gone';
  error: { name: string; message: string } | null;
  waiting: number;
}

/** No more of those that wait behind a run are counted. */
export const WAITING_MAX = 1_000;

/** A tenant's blocked keys, by job type and key. */
export async function listBlockedKeys(
  db: Database,
  page: { tenantId: TenantId; after: { jobType: string; key: string } | null; limit: number },
): Promise<BlockedKey[]> {
  const { after } = page;
  const { rows } = await sql<BlockedKey>`
    select b.job_type as "jobType", b.key, b.run_id as "runId", b.since,
           case when r.id is not null then 'retrying' when h.id is not null then 'failed' else 'gone' end as why,
           case when r.id is null then h.error
                else (select past.attempt -> 'error' from jsonb_array_elements(r.past_attempts) with ordinality as past (attempt, place)
                       where past.attempt ? 'error' order by past.place desc limit 1) end as error,
           (select count(*)::int
              from (select 1 from carillon.run w
                     where w.slot = b.slot and w.tenant_id = b.tenant_id and w.lane = b.lane and w.id <> b.run_id
                     limit ${WAITING_MAX}) counted) as waiting
      from carillon.key_block b
      left join lateral (
        select id, past_attempts from carillon.run where tenant_id = b.tenant_id and id = b.run_id limit 1) r on true
      left join lateral (
        select id, error from carillon.run_history where tenant_id = b.tenant_id and id = b.run_id limit 1) h on true
     where b.tenant_id = ${page.tenantId}
       and ${after === null ? sql`true` : sql`(b.job_type, b.key) > (${after.jobType}, ${after.key} collate "C")`}
     order by b.job_type, b.key
     limit ${page.limit}`.execute(db);
  return rows;
}

/**
 * Lets the runs behind this one start: 'unblocked', also if its retention is over; 'retrying' where it is to be tried
 * again by itself. 'nothing' means that it blocks no key, or no longer.
 */
export async function unblockKey(
  db: Database,
  { tenantId, runId }: { tenantId: TenantId; runId: RunId },
): Promise<'unblocked' | 'retrying' | 'nothing'> {
  const { rows } = await sql<{ isOver: boolean }>`
    with blocking as materialized (
      select b.run_id, not exists (select 1 from carillon.run r where r.id = b.run_id and r.tenant_id = b.tenant_id) as is_over
        from carillon.key_block b
       where b.tenant_id = ${tenantId} and b.run_id = ${runId}
         for update),
    gone as (
      delete from carillon.key_block b using blocking
       where b.tenant_id = ${tenantId} and b.run_id = blocking.run_id and blocking.is_over
      returning b.run_id)
    select is_over as "isOver" from blocking`.execute(db);
  const [found] = rows;
  if (found === undefined) return 'nothing';
  return found.isOver ? 'unblocked' : 'retrying';
}
