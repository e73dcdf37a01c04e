// What has become of the runs, as the tables tell?
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';

export interface HistoryRow {
  id: string;
  outcome: string;
  attempt: number;
  payload: { which: string };
  output: unknown;
  error: { name: string; message: string } | null;
  pastAttempts: { attempt: number; outcome: string }[] | null;
}

export async function history(db: Database): Promise<HistoryRow[]> {
  const { rows } = await sql<HistoryRow>`
    select id, outcome, attempt, payload, output, error, past_attempts as "pastAttempts" from carillon.run_history order by id`.execute(
    db,
  );
  return rows;
}

export async function count(db: Database, table: 'run' | 'run_history' | 'claim' | 'lease'): Promise<number> {
  const { rows } = await sql<{
    count: number;
  }>`select count(*)::int as count from ${sql.table(`carillon.${table}`)}`.execute(db);
  return rows[0]?.count ?? -1;
}
