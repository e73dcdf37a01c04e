// How is a table kept? As one cell for each key, with the committed row, the row that a transaction is
// writing, and who has locked it. Rows are never changed in place.
import { Cell, type Transaction } from './transaction.js';

export class Table<Key, Row> {
  readonly #cells = new Map<Key, Cell<Row>>();
  /** A trigger: what is written instead. */
  beforeWrite: ((before: Row | null, after: Row | null, tx: Transaction) => Row | null) | null = null;

  /** What the transaction sees under the key; without a transaction, what is committed. */
  get(key: Key, tx: Transaction | null = null): Row | null {
    const cell = this.#cells.get(key);
    return cell === undefined ? null : seen(cell, tx);
  }

  rows(tx: Transaction | null = null): Row[] {
    const rows: Row[] = [];
    for (const cell of this.#cells.values()) {
      const row = seen(cell, tx);
      if (row !== null) rows.push(row);
    }
    return rows;
  }

  /** FOR SHARE, or the lock of a write. False, with the blockers noted, when the transaction has to wait. */
  lock(key: Key, tx: Transaction, mode: 'share' | 'write'): boolean {
    const cell = this.#cellOf(key);
    if (cell.writer === tx) return true;
    if (cell.writer !== null) {
      tx.blockers = [cell.writer];
      return false;
    }
    if (mode === 'share') {
      cell.sharers.add(tx);
    } else {
      const others = [...cell.sharers].filter((sharer) => sharer !== tx);
      if (others.length > 0) {
        tx.blockers = others;
        return false;
      }
      cell.writer = tx;
    }
    tx.cells.add(cell);
    return true;
  }

  lockAll(keys: Iterable<Key>, tx: Transaction): boolean {
    for (const key of keys) if (!this.lock(key, tx, 'write')) return false;
    return true;
  }

  /** True while another transaction has written or locked the row. */
  isLocked(key: Key, tx: Transaction): boolean {
    const cell = this.#cells.get(key);
    return cell !== undefined && cell.writer !== null && cell.writer !== tx;
  }

  /** The lock must be held; null deletes. */
  write(key: Key, tx: Transaction, row: Row | null): void {
    const cell = this.#cellOf(key);
    if (cell.writer !== tx)
      throw new Error(`expected the row ${String(key)} to be locked by its writer, it is not`);
    cell.pending = this.beforeWrite === null ? row : this.beforeWrite(seen(cell, tx), row, tx);
  }

  /** Rows that are there when a simulation begins. */
  put(key: Key, row: Row): void {
    this.#cellOf(key).committed = row;
  }

  #cellOf(key: Key): Cell<Row> {
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = new Cell<Row>(() => this.#cells.delete(key));
      this.#cells.set(key, cell);
    }
    return cell;
  }
}

function seen<Row>(cell: Cell<Row>, tx: Transaction | null): Row | null {
  return tx !== null && cell.writer === tx && cell.pending !== undefined ? cell.pending : cell.committed;
}
