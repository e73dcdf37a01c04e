// Settings of a part of a transaction, which hold until the commit or until they are set again.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';
import { UNAWAITED } from '#database/database-client.js';

export interface TransactionSettings {
  /** The schemas in which names are resolved. */
  path: string;
  /** How long it may stand idle. */
  idleMs: number;
}

export async function setForNow(tx: Tx, { path, idleMs }: TransactionSettings): Promise<void> {
  await sql`
    select pg_catalog.set_config('search_path', ${path}, true),
           pg_catalog.set_config('idle_in_transaction_session_timeout', ${String(idleMs)}, true)`.execute(tx);
}

/** Sets them without waiting for an answer: for a statement ahead of one that only reads or locks. */
export async function setAhead(tx: Tx, { path, idleMs }: TransactionSettings): Promise<void> {
  await sql`
    select ${sql.raw(UNAWAITED)} pg_catalog.set_config('search_path', ${path}, true),
           pg_catalog.set_config('idle_in_transaction_session_timeout', ${String(idleMs)}, true)`.execute(tx);
}
