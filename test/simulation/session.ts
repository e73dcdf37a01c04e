// What does the server keep for one connection? Its name, its limits, the transaction that is open, the
// statement that runs or waits, and who is at the other end.
import type { Limits, Peer, Request } from './connection.js';
import { Transaction } from './transaction.js';

export class Session {
  /** Null when this session is cut off and does not know it. */
  peer: Peer | null;
  listens = false;
  isOver = false;
  /** The peer has hung up; noticed when the running statement is through. */
  isHungUp = false;
  /** Between BEGIN and the end of the transaction. */
  isInTransaction = false;
  /** A statement of the open transaction failed: all but its end is refused. */
  hasFailed = false;
  tx: Transaction | null = null;
  waiting: Request | null = null;
  /** Since when it waits for a lock, or for its client. */
  sinceMs = 0;

  constructor(
    readonly pid: number,
    peer: Peer,
    public applicationName: string,
    readonly limits: Limits,
  ) {
    this.peer = peer;
  }

  begin(nowMs: number): void {
    this.sinceMs = nowMs;
    this.isInTransaction = true;
    this.hasFailed = false;
  }

  transaction(): Transaction {
    this.tx ??= new Transaction(this);
    return this.tx;
  }

  /** Ends the transaction either way; what it held is free afterwards. */
  close(end: 'commit' | 'rollback'): void {
    if (end === 'commit') this.tx?.commit();
    else this.tx?.rollback();
    this.tx = null;
    this.isInTransaction = false;
    this.hasFailed = false;
  }
}
