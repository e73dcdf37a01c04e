// What may a part of a transaction have of its own? Until the commit, or until it is set again.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';
import { UNAWAITED } from '#database/database-client.js';

export interface TransactionSettings {
  /** Where names are looked for. */
  path: string;
  /** How long it may stand still. */
  idleMs: number;
}

export async function setForNow(tx: Tx, { path, idleMs }: TransactionSettings): Promise<void> {
  await sql`
    select pg_catalog.set_config('search_path', ${path}, true),
           pg_catalog.set_config('idle_in_transaction_session_timeout', ${String(idleMs)}, true)`.execute(tx);
}

/** The same, without waiting for an answer: for what goes out ahead of a statement that only reads or locks. */
export async function setAhead(tx: Tx, { path, idleMs }: TransactionSettings): Promise<void> {
  await sql`
    select ${sql.raw(UNAWAITED)} pg_catalog.set_config('search_path', ${path}, true),
           pg_catalog.set_config('idle_in_transaction_session_timeout', ${String(idleMs)}, true)`.execute(tx);
}
