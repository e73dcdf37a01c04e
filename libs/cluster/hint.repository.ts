// Sends hints between replicas. One channel, short payloads, always a transaction of their own: NOTIFY takes a lock
// over the whole database until commit, so it must never be part of a longer transaction. Everything works without
// hints, only later.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';

export const CHANNEL = 'carillon';

export async function listen(db: Database): Promise<void> {
  await sql`listen carillon`.execute(db);
}

/**
 * Sends all of them in one transaction, so that the lock is taken once. The commit does not wait for the disk: a server
 * that crashes forgets all hints anyway, and listeners get them at commit.
 */
export async function notify(db: Database, payloads: readonly string[]): Promise<void> {
  await sql`
    select set_config('synchronous_commit', 'off', true), pg_notify(${CHANNEL}, payload)
      from unnest(${[...payloads]}::text[]) as hint (payload)`.execute(db);
}
