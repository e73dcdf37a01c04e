// How are a replica's sessions found, and ended? By their name. The leader ends those of a replica that it declares dead,
// a follower those of a leader that hangs, and a replica the one that it had before.
import { sql, type RawBuilder } from 'kysely';
import { inTransaction, type Database } from '#database/connection.js';
import type { ReplicaNumber } from '#kernel/ids.js';

/** The name of a replica's sessions, by which the leader finds them. */
export function sessionName(replica: ReplicaNumber): string {
  return `carillon:${replica}`;
}

export async function nameSession(db: Database, name: string): Promise<void> {
  await sql`select set_config('application_name', ${name}, false)`.execute(db);
}

/** How many sessions were told to end, and how many remain because no role of this session may end them. */
export interface Terminated {
  ended: number;
  remaining: number;
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
  if (first.remaining === 0) return first;
  return inTransaction(db, async (tx) => {
    await sql`set local role none`.execute(tx);
    const second = await terminateAllowed(tx, which);
    return { ended: first.ended + second.ended, remaining: second.remaining };
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
  const remaining = rows.filter(({ ended }) => ended === null).length;
  return { ended: rows.length - remaining, remaining };
}
