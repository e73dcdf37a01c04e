// The fence of a term: how a leader's write proves that its term is not over. The transaction's first statement locks
// the leadership row, which a new term waits for. Both outcomes are values; a database error is thrown.
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import type { Term } from '#kernel/ids.js';
import { holdTerm } from './leadership.repository.js';
import type { Fenced } from '#cluster/membership/replica-gate.js';

export interface TermHolder {
  term: Term;
  holder: string;
}

/** Runs a leader write. 'fenced' means that the term is over and nothing was written (I3). */
export async function inTerm<Value>(
  db: Database,
  holder: TermHolder,
  write: (tx: Tx) => Promise<Value>,
): Promise<Fenced<Value>> {
  return inTransaction(db, async (tx) => {
    if (!(await holdTerm(tx, holder))) return { kind: 'fenced' };
    return { kind: 'done', value: await write(tx) };
  });
}
