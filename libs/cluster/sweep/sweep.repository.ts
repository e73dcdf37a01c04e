// What does the leader see in a sweep? One statement reads the server's own lists of locks and sessions. Only the
// leader runs it: reading pg_locks costs the lock manager something.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import { LIVENESS_LOCK } from '#database/advisory-locks.js';
import { serverStartedAt } from '#cluster/server-start.js';
import type { ReplicaNumber } from '#kernel/ids.js';

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

/** The statement spells the sessions' name out (`sessionName`), since it looks for those of all replicas at once. */
export async function sweep(db: Database): Promise<SweepRow[]> {
  const { rows } = await sql<SweepRow>`
    select r.number as replica, r.state, r.roles, r.weight, r.preference, h.beat,
           exists (select 1 from pg_locks l
                    where l.locktype = 'advisory' and l.granted
                      and l.database = (select oid from pg_database where datname = current_database())
                      and l.classid = ${LIVENESS_LOCK}::bigint::oid and l.objid = r.number::oid and l.objsubid = 2) as "lockHeld",
           (select count(*) from pg_stat_activity a
             where a.datname = current_database() and a.application_name = 'carillon:' || r.number) as sessions,
           h.server_started_at = ${serverStartedAt} as "sameServer"
      from carillon.replica r join carillon.heartbeat h on h.replica = r.number
     where r.state in ('active', 'draining')
     order by r.number`.execute(db);
  return rows;
}
