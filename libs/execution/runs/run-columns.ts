// The columns that a run keeps when it moves into the history. Listed once, because a column that one of the statements
// forgot would be lost silently.
import { sql, type RawBuilder } from 'kysely';

const KEPT =
  'id tenant_id slot job_type schedule_id due_at payload priority run_at past_attempts created_at queue concurrency_key deadline tags locks progress unique_key unique_window'.split(
    ' ',
  );

/** Their names, for the insert and, with the name of their table, for its select. The attempt is not among them. */
export function keptColumns(table?: string): RawBuilder<unknown> {
  return sql.raw(KEPT.map((column) => (table === undefined ? column : `${table}.${column}`)).join(', '));
}

/** How many ended attempts a run remembers. */
const ATTEMPTS_KEPT = 100;

/** The past attempts of a row, with room for one more: a full list loses its oldest. */
export function newestAttempts(table: string): RawBuilder<unknown> {
  const attempts = sql.ref(`${table}.past_attempts`);
  return sql`(case when jsonb_array_length(${attempts}) >= ${sql.lit(ATTEMPTS_KEPT)} then ${attempts} - 0 else coalesce(${attempts}, '[]') end)`;
}
