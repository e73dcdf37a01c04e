// What a claim picks from lanes of keys with a strict order: of each lane the first run that is due, and where a run
// blocks the key, that run and no other. The claim reads the blocks in the snapshot in which it reads the runs, and the
// transaction that decided a run has written its block (migrations/0039). So a later run starts neither while an
// earlier one is to be tried again, nor after it has failed for good.
import { sql, type RawBuilder } from 'kysely';
import { plainArray } from '#database/array-text.js';
import type { Tx } from '#database/connection.js';
import { NO_UUID, type ClaimId, type ReplicaNumber, type RunId } from '#kernel/ids.js';

/** What a claim reads of a run, besides what is equal for its whole lane. */
export const PICKED = sql.raw(
  'id schedule_id due_at payload priority run_at attempt failures losses deadline details cancel_requested_at locks unique_key'
    .split(' ')
    .map((column) => `r.${column}`)
    .join(', '),
);

// The first two parts of a lane's name hold no slash.
const ofKey = sql.raw(`b.tenant_id = lane.tenant_id and b.job_type = split_part(lane.lane, '/', 2)
              and b.key = substr(lane.lane, strpos(lane.lane, '/overlap/strict/') + 16)`);

/**
 * The part of the claim statement. Only a run that blocks its key is taken before it is due: any other may still be
 * overtaken by one that comes and is due before it.
 */
export function pickedInOrder({
  excluded,
  aheadMs,
}: {
  excluded: readonly RunId[];
  aheadMs: number;
}): RawBuilder<unknown> {
  return sql`select lane.number, ${PICKED}
        from lane
        join carillon.key_block b on ${ofKey}
       cross join lateral (select * from carillon.run where id = b.run_id limit 1) r
       where r.slot = lane.slot and r.tenant_id = lane.tenant_id and r.lane = lane.lane
         and r.run_at <= statement_timestamp() + make_interval(secs => ${aheadMs / 1000}::float8)
         and r.id <> all(${plainArray(excluded)}::uuid[])
       union all
      select lane.number, ${PICKED}
        from lane
       cross join lateral carillon.due_runs(
         lane.slot, lane.tenant_id, lane.lane, statement_timestamp(), '-infinity', ${NO_UUID}, ${plainArray(excluded)}::uuid[], 1) r
       where not exists (select 1 from carillon.key_block b where ${ofKey})`;
}

/**
 * Takes the runs out of claims whose answer this replica has not got, and of which it started none. One that is being
 * committed just now is waited for, since both insert the same key; an empty claim stays until it counts as a stray one.
 */
export async function withdrawClaims(
  tx: Tx,
  { replica, claimIds }: { replica: ReplicaNumber; claimIds: readonly ClaimId[] },
): Promise<void> {
  await sql`
    insert into carillon.claim as c (id, replica, run_ids)
    select unsure.id, ${replica}, '{}' from unnest(${[...claimIds].toSorted()}::uuid[]) as unsure (id)
    on conflict (id) do update set run_ids = '{}' where c.replica = excluded.replica`.execute(tx);
}
