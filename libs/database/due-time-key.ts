// Finds fires in the ledger, by their due times, when a statement decides many at once: by the whole key, with one
// index look-up for each. The server's estimates must not change that. With stale statistics or many keys it would read
// the whole ledger and compare each row with each key. The condition that changes nothing prevents that: the server
// estimates that next to no key fulfils it, and for one key nothing is as cheap as the index.
import { sql, type RawBuilder } from 'kysely';

/** Whether `f`, a row of the ledger, is the one whose key the row of this name holds. */
export function isDueTimeOf(keys: string): RawBuilder<boolean> {
  const [schedule, due] = [sql.ref(`${keys}.schedule_id`), sql.ref(`${keys}.due_at`)];
  return sql`f.schedule_id = ${schedule} and f.due_at = ${due} and ${due} between '-infinity' and 'infinity'`;
}

/**
 * Whether `f` is that row and still open: of two transactions that would decide a due time, the second finds it decided
 * and changes nothing (I1).
 */
export function isOpenDueTimeOf(keys: string): RawBuilder<boolean> {
  return sql`${isDueTimeOf(keys)} and f.outcome = 'planned'`;
}

/**
 * Whether `f` is due from the first to the last of these. Known before the statement begins, so other days of the ledger
 * are not opened.
 */
export function isBetweenDueTimes(dueAts: readonly Date[]): RawBuilder<boolean> {
  const ms = dueAts.map(Number).toSorted((a, b) => a - b);
  const [first, last] = [ms.at(0) ?? 0, ms.at(-1) ?? 0].map((each) => new Date(each).toISOString());
  return sql`f.due_at between ${first}::timestamptz and ${last}::timestamptz`;
}
