// Takes runs back from dead replicas.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import { isOpenDueTimeOf } from '#database/due-time-key.js';
import type { ReplicaNumber, RunId, Slot } from '#kernel/ids.js';
import { keptColumns, newestAttempts } from '#execution/runs/run-columns.js';

/** True while any claim belongs to a replica that is neither active nor draining. */
export async function hasVoidClaims(db: Database): Promise<boolean> {
  const { rows } = await sql`
    select 1 from carillon.claim c
     where not exists (select 1 from carillon.replica r where r.number = c.replica and r.state in ('active', 'draining'))
     limit 1`.execute(db);
  return rows.length > 0;
}

export interface VoidClaim {
  replica: ReplicaNumber;
  runIds: RunId[];
  /** The starts of its runs that had been running for a while; RFC 3339. */
  started: Readonly<Record<RunId, string>> | null;
}

/**
 * Deletes some claims of dead replicas. Locked ones are skipped: a session of the dead replica may hold one until the
 * server ends it, and the next pass finds it free.
 */
export async function deleteVoidClaims(tx: Tx, { limit }: { limit: number }): Promise<VoidClaim[]> {
  const { rows } = await sql<VoidClaim>`
    with void as (
      select c.id from carillon.claim c
       where not exists (select 1 from carillon.replica r where r.number = c.replica and r.state in ('active', 'draining'))
       order by c.claimed_at
       limit ${limit}
         for update skip locked)
    delete from carillon.claim c using void where c.id = void.id
    returning c.replica, c.run_ids as "runIds", c.started`.execute(tx);
  return rows;
}

export interface LostRun {
  id: RunId;
  slot: Slot;
  losses: number;
  crashes: number;
  /** The error of the newest attempt that ended with one, as far back as attempts are kept. */
  lastError: { name: string; message: string } | null;
}

/**
 * Puts the runs of one dead replica's claims back, each with a lost attempt, and with its start where it was recorded.
 */
export async function requeueLost(tx: Tx, { replica, runIds, started }: VoidClaim): Promise<LostRun[]> {
  const { rows } = await sql<LostRun>`
    update carillon.run
       set attempt = attempt + 1,
           losses = losses + 1,
           crashes = crashes + case when started_by = ${replica} then 1 else 0 end,
           started_by = null,
           past_attempts = ${newestAttempts('run')}
             || jsonb_strip_nulls(jsonb_build_object('attempt', attempt, 'outcome', 'lost', 'replica', ${replica}::int,
                  'startedAt', ${JSON.stringify(started ?? {})}::jsonb -> id::text, 'finishedAt', clock_timestamp()))
     where id = any(${[...runIds]}::uuid[])
    returning id, slot, losses, crashes,
              (select past.attempt -> 'error'
                 from jsonb_array_elements(past_attempts) with ordinality as past (attempt, number)
                where past.attempt ? 'error' order by past.number desc limit 1) as "lastError"`.execute(tx);
  return rows;
}

/**
 * Ends runs that kill their replicas; their last attempt is the lost one. An open fire is decided with it, since no
 * replica will report its start any more (I1). A start that the dead replica did not record stays unknown; of a late
 * fire, which must have one, it is taken to be now.
 */
export async function deadLetter(
  tx: Tx,
  { replica, runIds, error }: { replica: ReplicaNumber; runIds: readonly RunId[]; error: object },
): Promise<void> {
  await sql`
    with gone as (delete from carillon.run where id = any(${[...runIds]}::uuid[]) returning *),
    decided as (
      update carillon.fire f
         set outcome = 'late', reason = 'poison',
             started_at = coalesce((g.past_attempts -> -1 ->> 'startedAt')::timestamptz, clock_timestamp())
        from gone g
       where ${isOpenDueTimeOf('g')})
    insert into carillon.run_history (${keptColumns()}, attempt, outcome, replica, started_at, finished_at, error)
    select ${keptColumns()}, attempt - 1, 'dead-lettered', ${replica},
           (past_attempts -> -1 ->> 'startedAt')::timestamptz, clock_timestamp(), ${JSON.stringify(error)}::jsonb
      from gone`.execute(tx);
}
