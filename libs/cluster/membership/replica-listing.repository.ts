// Which replicas are there, and what are they called? For people and their tools; no fence reads this.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { ReplicaState } from '#database/tables/schema.js';
import type { ReplicaNumber } from '#kernel/ids.js';
import type { ReplicaIdentity } from './replica.repository.js';

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
    select r.number, r.incarnation, r.name, r.host, r.pid, r.url, r.public_url as "publicUrl", r.version, r.roles, r.weight, r.preference, r.state,
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
