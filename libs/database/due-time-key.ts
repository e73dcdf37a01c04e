// How is a due time found in the ledger when a statement decides many at once? By its whole key, one look at the index for
// each, and that must not be left to what the server thinks of the sizes: a ledger that was small when it looked, or many
// keys, and it reads all that lies in the ledger instead and compares each row of it with each key. The condition that
// changes nothing is what keeps it from that: the server guesses that next to none of the keys fulfil it, and for one key
// no way is as cheap as the index.
import { sql, type RawBuilder } from 'kysely';

/** That `f`, a row of the ledger, is the one whose key the row of this name holds. */
export function isDueTimeOf(keys: string): RawBuilder<boolean> {
  const [schedule, due] = [sql.ref(`${keys}.schedule_id`), sql.ref(`${keys}.due_at`)];
  return sql`f.schedule_id = ${schedule} and f.due_at = ${due} and ${due} between '-infinity' and 'infinity'`;
}

/** That `f` is that row and still open: of two that would decide a due time the second finds it decided, and changes nothing (I1). */
export function isOpenDueTimeOf(keys: string): RawBuilder<boolean> {
  return sql`${isDueTimeOf(keys)} and f.outcome = 'planned'`;
}
