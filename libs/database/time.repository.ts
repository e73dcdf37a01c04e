// The database's time, which stored instants and due times are based on.
import { sql } from 'kysely';
import type { Database } from './connection.js';

export async function databaseTime(db: Database): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db);
  if (rows[0] === undefined) throw new Error('expected the database to tell the time, got no row');
  return rows[0].now;
}
