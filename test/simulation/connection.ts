// What passes between a client and the server, and what does each see of the other? Apart from both, so that
// neither needs to know how the other is made.
import type { Actor } from './actor.js';

export interface Answer {
  readonly rows: readonly object[];
  readonly command: string;
  readonly rowCount: number;
}

export interface Request {
  readonly text: string;
  readonly params: readonly unknown[];
  /** With the end of the session, if both come in one read. */
  readonly answer: (answer: Answer | Error, end?: Error) => void;
}

export interface Limits {
  idleMs: number;
  idleInTransactionMs: number;
  lockMs: number;
  statementMs: number;
}

/** The client's end of a connection. */
export interface Peer {
  readonly actor: Actor;
  /** Nothing gets through on this connection for the moment. */
  isStalled: boolean;
  /** True when something has taken too long by this process's clock. */
  isOverdue(): boolean;
  /** Fails what is overdue. Called on stage. */
  expire(): void;
  /** The connection is over; the client hears of it after a while. */
  lose(error: Error): void;
  notify(channel: string, payload: string): void;
  /** The process has been killed: its kernel closes what it held. */
  vanish(): void;
}
