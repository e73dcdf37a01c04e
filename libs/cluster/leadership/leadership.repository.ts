// Begins, proves and ends terms.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { ReplicaNumber, Term } from '#kernel/ids.js';
import { LEADER_LOCK } from '#database/advisory-locks.js';
import type { LeaderSighting } from './decisions/leader-watch.js';
import { leaderBeat } from '#cluster/membership/replica.repository.js';

/**
 * Tries the lock without waiting: a blocked pg_advisory_lock() holds back VACUUM for as long as it waits. Reads the
 * leader's beats with the same statement, since a follower tries more often than it beats.
 */
export async function tryLeaderLock(db: Database): Promise<LeaderSighting & { held: boolean }> {
  const { rows } = await sql<LeaderSighting & { held: boolean }>`
    select pg_try_advisory_lock(${LEADER_LOCK}, 0) as held, l.term, l.replica as leader, ${leaderBeat} as "leaderBeat"
      from carillon.leadership l`.execute(db);
  const [seen] = rows;
  if (seen === undefined) throw new Error('expected the one row of carillon.leadership, got none');
  return seen;
}

export async function releaseLeaderLock(db: Database): Promise<void> {
  await sql`select pg_advisory_unlock(${LEADER_LOCK}, 0)`.execute(db);
}

/**
 * What lets a candidate begin a term: the lock, held by its own session, or that no replica has begun a term since it
 * looked.
 */
export type Candidacy = { kind: 'lock' } | { kind: 'vacancy'; after: Term };

/**
 * Begins a new term. The row update waits for every open leader transaction (they hold the row FOR SHARE), and a later
 * one does not find its term any more. Undefined when the candidacy fails.
 */
export async function beginTerm(
  db: Database,
  holder: { uuid: string; replica: ReplicaNumber },
  candidacy: Candidacy,
): Promise<Term | undefined> {
  const { rows } = await sql<{ term: Term }>`
    update carillon.leadership
       set term = term + 1, holder = ${holder.uuid}, replica = ${holder.replica}, elected_at = clock_timestamp()
     where id = 1 and ${candidacy.kind === 'lock' ? holdsLeaderLock : sql`term = ${candidacy.after}`}
    returning term`.execute(db);
  return rows[0]?.term;
}

const holdsLeaderLock = sql`
       exists (select 1 from pg_locks
                where locktype = 'advisory' and pid = pg_backend_pid() and granted
                  and database = (select oid from pg_database where datname = current_database())
                  and classid = ${LEADER_LOCK}::bigint::oid and objid = 0 and objsubid = 2)`;

/**
 * Fence 1. Must be the first statement of a leader transaction, and alone: a lock taken together with a read sees the
 * snapshot from before the wait. FOR KEY SHARE would not do, since a new term changes no key.
 */
export async function holdTerm(tx: Tx, { term, holder }: { term: Term; holder: string }): Promise<boolean> {
  const { rows } = await sql`
    select 1 from carillon.leadership
     where id = 1 and term = ${term} and holder = ${holder}
       for share`.execute(tx);
  return rows.length === 1;
}

/** Ends the term without a new holder, if it is still this one. Waits for its open leader transactions. */
export async function resignTerm(
  db: Database,
  { term, holder }: { term: Term; holder: string },
): Promise<void> {
  await sql`
    update carillon.leadership set holder = null, replica = null where term = ${term} and holder = ${holder}`.execute(
    db,
  );
}

export interface LeadershipRow {
  term: Term;
  holder: string | null;
  replica: ReplicaNumber | null;
  electedAt: Date | null;
}

export async function readLeadership(db: Database): Promise<LeadershipRow> {
  return db
    .selectFrom('leadership')
    .select(['term', 'holder', 'replica', 'elected_at as electedAt'])
    .where('id', '=', 1)
    .executeTakeFirstOrThrow();
}

/**
 * Ends the running term on an operator's order: its leader's next write is fenced, and its next beat reports the end.
 */
export async function endTerm(db: Database): Promise<Term> {
  const { rows } = await sql<{ term: Term }>`
    update carillon.leadership set term = term + 1, holder = null, replica = null, elected_at = null where id = 1 returning term`.execute(
    db,
  );
  if (rows[0] === undefined) throw new Error('expected the leadership row, found none');
  return rows[0].term;
}
