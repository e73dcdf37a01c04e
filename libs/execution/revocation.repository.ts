// Which statements take runs back from the dead?
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { ReplicaNumber, RunId, Slot } from '#kernel/ids.js';

/** True while any claim belongs to a replica that is neither active nor draining. */
export async function hasVoidClaims(db: Database): Promise<boolean> {
  const { rows } = await sql`
    select 1 from carillon.claim c
     where not exists (select 1 from carillon.replica r where r.number = c.replica and r.state in ('active', 'draining'))
     limit 1`.execute(db);
  return rows.length > 0;
}

/**
 * Takes some claims of the dead away. Locked ones are skipped: a session of the dead may still hold one
 * until it is ended, and the next pass finds it free.
 */
export async function deleteVoidClaims(tx: Tx, { limit }: { limit: number }): Promise<{ replica: ReplicaNumber; runIds: RunId[] }[]> {
  const { rows } = await sql<{ replica: ReplicaNumber; runIds: RunId[] }>`
    with void as (
      select c.id from carillon.claim c
       where not exists (select 1 from carillon.replica r where r.number = c.replica and r.state in ('active', 'draining'))
       order by c.claimed_at
       limit ${limit}
         for update skip locked)
    delete from carillon.claim c using void where c.id = void.id
    returning c.replica, c.run_ids as "runIds"`.execute(tx);
  return rows;
}

/** Puts the runs of one dead replica's claims back, each with a lost attempt; resolves with where they wait. */
export async function requeueLost(tx: Tx, { replica, runIds }: { replica: ReplicaNumber; runIds: readonly RunId[] }): Promise<{ runs: number; slots: Slot[] }> {
  const { rows } = await sql<{ slot: Slot }>`
    update carillon.run
       set attempt = attempt + 1,
           losses = losses + 1,
           past_attempts = coalesce(past_attempts, '[]')
             || jsonb_build_object('attempt', attempt, 'outcome', 'lost', 'replica', ${replica}::int, 'finishedAt', clock_timestamp())
     where id = any(${[...runIds]}::uuid[])
    returning slot`.execute(tx);
  return { runs: rows.length, slots: [...new Set(rows.map((row) => row.slot))] };
}
