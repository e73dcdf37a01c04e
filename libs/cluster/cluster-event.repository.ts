// The events of the cluster. Each row is written in the transaction that did what it describes, or right after it
// committed, so no row tells of an act that was rolled back; an act may lack its row when the replica dies in between.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { ReplicaNumber, Term } from '#kernel/ids.js';

export type ClusterEventType =
  | 'replica-joined'
  | 'replica-resumed'
  | 'replica-draining'
  | 'replica-left'
  | 'replica-returned'
  | 'replica-silent'
  | 'replica-dead'
  | 'term-began'
  | 'term-ended'
  | 'slots-moved'
  | 'slots-handed-over'
  | 'claims-revoked'
  | 'run-restarted'
  | 'horizon-held'
  | 'horizon-released'
  | 'job-type-paused'
  | 'key-blocked'
  | 'due-times-missed';

export interface ClusterEvent {
  type: ClusterEventType;
  term?: Term | null;
  replica?: ReplicaNumber | null;
  data?: Record<string, unknown>;
}

export async function insertEvent(
  db: Database,
  { type, term = null, replica = null, data = {} }: ClusterEvent,
): Promise<void> {
  await db
    .insertInto('cluster_event')
    .values({ type, term, replica, data: JSON.stringify(data) })
    .execute();
}

export interface ClusterEventRow {
  seq: number;
  at: Date;
  type: string;
  term: Term | null;
  replica: ReplicaNumber | null;
  data: object;
}

/** Newest first; `before` is the seq where the page before this one ended. */
export async function listEvents(
  db: Database,
  page: { before: number | null; limit: number },
): Promise<ClusterEventRow[]> {
  return db
    .selectFrom('cluster_event')
    .selectAll()
    .$if(page.before !== null, (query) => query.where('seq', '<', page.before ?? 0))
    .orderBy('seq', 'desc')
    .limit(page.limit)
    .execute();
}

export async function deleteOldEvents(
  db: Database,
  { olderThanDays }: { olderThanDays: number },
): Promise<void> {
  await db
    .deleteFrom('cluster_event')
    .where('at', '<', sql<Date>`clock_timestamp() - make_interval(days => ${olderThanDays}::int)`)
    .execute();
}
