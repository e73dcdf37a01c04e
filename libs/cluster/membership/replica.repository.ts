// Replicas and their beats.
import { sql, type RawBuilder } from 'kysely';
import { inTransaction, type Database } from '#database/connection.js';
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
  version: string;
  roles: string[];
  weight: number;
  /** Of the healthy replicas that may lead, the one with the highest preference does. */
  preference: number;
}

export async function insertReplica(db: Database, identity: ReplicaIdentity): Promise<ReplicaNumber> {
  const { number } = await db
    .insertInto('replica')
    .values(identity)
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

/** What the leader's sweep sees of a living replica. */
export interface SweepRow {
  replica: ReplicaNumber;
  state: 'active' | 'draining';
  roles: string[];
  weight: number;
  preference: number;
  beat: number;
  lockHeld: boolean;
  sessions: number;
  sameServer: boolean;
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

/** How many sessions were told to end, and how many remain because no role of this session may end them. */
export interface Terminated {
  ended: number;
  left: number;
}

/**
 * Ends every session with the replica's name, except the caller's. In this database only: another installation on the
 * same server has replicas of the same numbers.
 */
export async function terminateSessions(db: Database, applicationName: string): Promise<Terminated> {
  return terminate(db, sql`a.application_name = ${applicationName}`);
}

/** Ends one session by its pid, if it still carries the expected name: pids are used again. */
export async function terminateBackend(
  db: Database,
  pid: number,
  applicationName: string,
): Promise<Terminated> {
  return terminate(db, sql`a.pid = ${pid} and a.application_name = ${applicationName}`);
}

/**
 * A session belongs to the role that has logged in, and a role that was set afterwards may not be allowed to end it.
 * Sessions that remain are tried once more as the login role. Those that it may not end either wait for the server's
 * own limits on silent sessions.
 */
async function terminate(db: Database, which: RawBuilder<unknown>): Promise<Terminated> {
  const first = await terminateAllowed(db, which);
  if (first.left === 0) return first;
  return inTransaction(db, async (tx) => {
    await sql`set local role none`.execute(tx);
    const second = await terminateAllowed(tx, which);
    return { ended: first.ended + second.ended, left: second.left };
  });
}

// A refusal would be an error, and leave the other sessions alive.
async function terminateAllowed(db: Database, which: RawBuilder<unknown>): Promise<Terminated> {
  const { rows } = await sql<{ ended: boolean | null }>`
    select case when (login.rolsuper is not true or current_setting('is_superuser') = 'on')
                 and (pg_has_role(current_user, a.usesysid, 'usage') or pg_has_role(current_user, 'pg_signal_backend', 'usage'))
                then pg_terminate_backend(a.pid, 1000) end as ended
      from pg_stat_activity a left join pg_roles login on login.oid = a.usesysid
     where a.datname = current_database() and ${which} and a.pid <> pg_backend_pid()`.execute(db);
  const left = rows.filter(({ ended }) => ended === null).length;
  return { ended: rows.length - left, left };
}

export interface ReplicaListing extends Omit<ReplicaIdentity, 'roles'> {
  number: ReplicaNumber;
  roles: string[];
  state: ReplicaState;
  startedAt: Date;
  endedAt: Date | null;
  diedReason: string | null;
  beatAt: Date;
  beatAgeMs: number;
  ownedSlots: number;
}

/** The living replicas and the last ones that ended, newest first. */
export async function listReplicas(db: Database, { ended }: { ended: number }): Promise<ReplicaListing[]> {
  const { rows } = await sql<ReplicaListing>`
    select r.number, r.incarnation, r.name, r.host, r.pid, r.url, r.version, r.roles, r.weight, r.preference, r.state,
           r.started_at as "startedAt", r.ended_at as "endedAt", r.died_reason as "diedReason", h.beat_at as "beatAt",
           round(extract(epoch from clock_timestamp() - h.beat_at) * 1000)::int as "beatAgeMs",
           (select count(*) from carillon.slot_owner s where s.owner = r.number) as "ownedSlots"
      from carillon.replica r join carillon.heartbeat h on h.replica = r.number
     where r.state in ('active', 'draining')
        or r.number in (select number from carillon.replica
                         where state not in ('active', 'draining') order by number desc limit ${ended})
     order by r.number desc`.execute(db);
  return rows;
}

/** Resolves with a look-up: the name that a replica was started with, or null for one that is not among these. */
export async function namesOf(
  db: Database,
  numbers: readonly (ReplicaNumber | null)[],
): Promise<(number: ReplicaNumber | null) => string | null> {
  const rows = await db
    .selectFrom('replica')
    .select(['number', 'name'])
    .where('number', '=', sql<ReplicaNumber>`any(${[...numbers]}::int[])`)
    .execute();
  const names = new Map(rows.map(({ number, name }) => [number, name]));
  return (number) => (number === null ? null : (names.get(number) ?? null));
}

/** The living replicas of this name: names are given by people, and may be given twice. */
export async function livingOfName(db: Database, name: string): Promise<ReplicaNumber[]> {
  const rows = await db
    .selectFrom('replica')
    .select('number')
    .where('name', '=', name)
    .where('state', 'in', ['active', 'draining'])
    .orderBy('number')
    .execute();
  return rows.map(({ number }) => number);
}

/** The name of a replica's sessions, by which the leader finds them. */
export function sessionName(replica: ReplicaNumber): string {
  return `carillon:${replica}`;
}

export async function nameSession(db: Database, name: string): Promise<void> {
  await sql`select set_config('application_name', ${name}, false)`.execute(db);
}
