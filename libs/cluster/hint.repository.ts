// Which statements carry hints between replicas? One channel, short payloads, always a transaction of
// their own: NOTIFY takes a lock over the whole database until commit, so it must never sit in one that
// does work. Everything works without hints, only later.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';

export const CHANNEL = 'carillon';

export async function listen(db: Database): Promise<void> {
  await sql`listen carillon`.execute(db);
}

export async function notify(db: Database, payload: string): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, ${payload})`.execute(db);
}
