// Replicas and their beats.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { ReplicaState } from '#database/tables/schema.js';
import type { ReplicaNumber, Term } from '#kernel/ids.js';
import { LIVENESS_LOCK } from '#database/advisory-locks.js';
import { serverStartedAt } from '#cluster/server-start.js';

/** The beat counter of the leader that row `l` names; null while no replica leads, or when the leader has gone. */
export const leaderBeat = sql<number | null>`
              (select b.beat from carillon.heartbeat b join carillon.replica lr on lr.number = b.replica
                where b.replica = l.replica and lr.state in ('active', 'draining'))`;

export interface ReplicaIdentity {
  incarnation: string;
  name: string;
  host: string;
  pid: number;
  url: string | null;
  /** Where clients of tenants reach it, if the operator says so. */
  publicUrl: string | null;
  version: string;
  roles: string[];
  weight: number;
  /** Of the healthy replicas that may lead, the one with the highest preference does. */
  preference: number;
}

export async function insertReplica(
  db: Database,
  { publicUrl, ...identity }: ReplicaIdentity,
): Promise<ReplicaNumber> {
  const { number } = await db
    .insertInto('replica')
    .values({ ...identity, public_url: publicUrl })
    .returning('number')
    .executeTakeFirstOrThrow();
  return number;
}

export async function insertHeartbeat(db: Database, replica: ReplicaNumber): Promise<void> {
  await db.insertInto('heartbeat').values({ replica }).execute();
}

/**
 * Takes the replica's own lock for this session. False means that an older session of the replica still lives on the
 * server.
 */
export async function tryLivenessLock(db: Database, replica: ReplicaNumber): Promise<boolean> {
  const { rows } = await sql<{ held: boolean }>`
    select pg_try_advisory_lock(${LIVENESS_LOCK}, ${replica}) as held`.execute(db);
  return rows[0]?.held === true;
}

export interface BeatAnswer {
  state: ReplicaState;
  term: Term;
  ringVersion: number;
  /** The leader of the term and its beat counter; null while no replica leads, or when the leader has gone. */
  leader: ReplicaNumber | null;
  leaderBeat: number | null;
  databaseTime: Date;
}

/** Counts one beat up and returns what the replica must know at once. Null when there is no such incarnation. */
export async function beat(
  db: Database,
  replica: ReplicaNumber,
  incarnation: string,
): Promise<BeatAnswer | null> {
  const { rows } = await sql<BeatAnswer>`
    update carillon.heartbeat h
       set beat = beat + 1, beat_at = clock_timestamp(), server_started_at = ${serverStartedAt}
      from carillon.replica r cross join carillon.leadership l
     where h.replica = ${replica} and r.number = h.replica and r.incarnation = ${incarnation}
    returning r.state,
              l.term, l.replica as leader,
              ${leaderBeat} as "leaderBeat",
              (select coalesce(max(version), 0) from carillon.ring) as "ringVersion",
              clock_timestamp() as "databaseTime"`.execute(db);
  return rows[0] ?? null;
}

/** Moves a living replica on to draining or left. False when it was no longer in a state that allows it. */
export async function moveOnTo(
  db: Database,
  replica: ReplicaNumber,
  to: 'draining' | 'left',
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('replica')
    .set({ state: to, ...(to === 'left' ? { ended_at: sql<Date>`clock_timestamp()` } : {}) })
    .where('number', '=', replica)
    .where('state', 'in', to === 'draining' ? ['active'] : ['active', 'draining'])
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Takes a draining replica back into service. False when it was not draining. */
export async function returnToService(db: Database, replica: ReplicaNumber): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('replica')
    .set({ state: 'active' })
    .where('number', '=', replica)
    .where('state', '=', 'draining')
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export async function findReplicaState(
  db: Database,
  replica: ReplicaNumber,
): Promise<ReplicaState | undefined> {
  const row = await db.selectFrom('replica').select('state').where('number', '=', replica).executeTakeFirst();
  return row?.state;
}

/** Removes the row of a replica that has ended. Its claims, if any, stay, and the revocation loop deletes them. */
export async function deleteEnded(db: Database, replica: ReplicaNumber): Promise<boolean> {
  const { rows } = await sql`
    with gone as (delete from carillon.replica where number = ${replica} and state in ('dead', 'left') returning number)
    delete from carillon.heartbeat h using gone where h.replica = gone.number returning h.replica`.execute(
    db,
  );
  return rows.length > 0;
}

/** The leader's verdict. False when the replica had already left or been declared dead. */
export async function markDead(
  db: Database,
  death: { replica: ReplicaNumber; term: Term; reason: string },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('replica')
    .set({
      state: 'dead',
      ended_at: sql<Date>`clock_timestamp()`,
      died_term: death.term,
      died_reason: death.reason,
    })
    .where('number', '=', death.replica)
    .where('state', 'in', ['active', 'draining'])
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
