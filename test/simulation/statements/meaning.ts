// How is the meaning of a statement written down? As a function on the model that either answers or is
// blocked by another transaction's lock; then it is called again, from its beginning, once a lock was given
// back. So it must take all its locks before it writes. (PostgreSQL looks again only at the row it waited
// for; here the whole statement does, which differs only where a statement both waits and reads other rows.)
//
// Parameters are what our own repositories pass, in the order of a text that is known to the letter; that is
// why the casts in these files are true.
import type { HeldLocks } from '../held-locks.js';
import type { Broken } from '../broken-protocols.js';
import type { Answer } from '../connection.js';
import type { Invariants } from '../invariants.js';
import type { ModelDatabase } from '../model-database.js';
import type { Session } from '../session.js';
import type { Transaction } from '../transaction.js';

export const BLOCKED = Symbol('blocked');

/** The server, as far as statements look at it or ask something of it. */
export interface StatementServer {
  readonly sessions: ReadonlySet<Session>;
  readonly locks: HeldLocks;
  readonly invariants: Invariants;
  readonly deadAfterMs: number;
  readonly startedAt: number;
  /** Whether our login may end sessions. */
  readonly mayTerminate: boolean;
  wallMs(): number;
  /** Whether the function that the transaction is has come to this step, which takes a while. */
  hasComeTo(step: number, tx: Transaction): boolean;
  notify(channel: string, payload: string): void;
  terminate(session: Session): void;
}

export interface Scene {
  readonly server: StatementServer;
  readonly db: ModelDatabase;
  readonly session: Session;
  readonly tx: Transaction;
  readonly params: readonly unknown[];
  readonly text: string;
  readonly broken: Broken;
}

export interface Meaning {
  readonly name: string;
  /** What each text of it says, white space made one: by these parts one that has changed is recognised. */
  readonly says: readonly string[];
  readonly run: (scene: Scene) => Answer | typeof BLOCKED;
}

export function answer(rows: readonly object[] = [], command = 'SELECT'): Answer {
  return { rows, command, rowCount: rows.length };
}

export function changed(count: number, command = 'UPDATE'): Answer {
  return { rows: [], command, rowCount: count };
}

/** The column names of Kysely's `insert into "t" ("a", "b") values ($1, $2)`, with their values. */
export function inserted({ text, params }: Scene): Record<string, unknown> {
  const names = /\(([^)]*)\) values/.exec(text)?.[1]?.split(',') ?? [];
  return Object.fromEntries(names.map((name, index) => [name.trim().replaceAll('"', ''), params[index]]));
}

export const at = (ms: number): Date => new Date(ms);
export const msOf = (instant: unknown): number => (instant as Date).getTime();

/** The rows of an `unnest` of several arrays. */
export function zipped(...columns: readonly unknown[]): unknown[][] {
  const arrays = columns as unknown[][];
  return (arrays[0] ?? []).map((_, index) => arrays.map((column) => column[index]));
}

/** The elements of a parameter that is written as PostgreSQL writes an array of ids or numbers. */
export function listed(text: string): string[] {
  return text === '{}' ? [] : text.slice(1, -1).split(',');
}
