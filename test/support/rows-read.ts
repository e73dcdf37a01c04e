// How many rows does the server read for what a test does? The server's counts for a transaction also hold what the
// session has read before and not told yet, so what was counted before is taken off.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';

/** Of the tables of the schema `carillon` whose names match. */
export async function rowsRead(tx: Tx, tables: string, act: () => Promise<unknown>): Promise<number> {
  const before = await readUntilNow(tx, tables);
  await act();
  return (await readUntilNow(tx, tables)) - before;
}

async function readUntilNow(tx: Tx, tables: string): Promise<number> {
  const { rows } = await sql<{ read: number }>`
    select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read from pg_stat_xact_user_tables
     where schemaname = 'carillon' and relname ~ ${tables}`.execute(tx);
  return rows[0]?.read ?? Number.NaN;
}
