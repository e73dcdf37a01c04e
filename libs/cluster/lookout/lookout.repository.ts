// Asks many small questions in one statement.
import { sql, type RawBuilder } from 'kysely';
import type { Database } from '#database/connection.js';

/** SQL that is true where a loop has something to do: one look at an index, since it is asked each second. */
export type Question = RawBuilder<boolean>;

/** The answers, in the order of the questions. */
export async function askAll(db: Database, questions: readonly Question[]): Promise<boolean[]> {
  const { rows } = await sql<{ answers: boolean[] }>`select array[${sql.join(questions)}] as answers`.execute(
    db,
  );
  return rows[0]?.answers ?? [];
}
