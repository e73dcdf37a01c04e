// The kept answers to requests with an Idempotency-Key, and the lock that one such request holds.
import { sql } from 'kysely';
import { IDEMPOTENCY_LOCK } from '#database/advisory-locks.js';
import type { Database, Tx } from '#database/connection.js';

export interface KeyOfRequest {
  /** The principal and tenant that sent the key. */
  scope: string;
  key: string;
}

export interface KeptAnswer {
  /** A hash of the request that it answers. */
  request: Buffer;
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** False while another request with this key is being answered. Released with the transaction. */
export async function tryLockKey(tx: Tx, keyHash: number): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(${IDEMPOTENCY_LOCK}, ${keyHash}) as locked`.execute(tx);
  return rows[0]?.locked === true;
}

/** An expired answer is not found, even if its row is still there. */
export async function findAnswer(
  tx: Tx,
  { scope, key, keptHours }: KeyOfRequest & { keptHours: number },
): Promise<KeptAnswer | undefined> {
  return tx
    .selectFrom('idempotency_key')
    .select(['request', 'status', 'headers', 'body'])
    .where('scope', '=', scope)
    .where('key', '=', key)
    .where('created_at', '>', sql<Date>`clock_timestamp() - make_interval(hours => ${keptHours}::int)`)
    .executeTakeFirst();
}

/** The caller holds the key's lock; an existing answer has expired and is replaced. */
export async function keepAnswer(
  tx: Tx,
  { scope, key, request, status, headers, body }: KeyOfRequest & KeptAnswer,
): Promise<void> {
  await tx
    .insertInto('idempotency_key')
    .values({ scope, key, request, status, headers: JSON.stringify(headers), body })
    .onConflict((conflict) =>
      conflict.columns(['scope', 'key']).doUpdateSet((eb) => ({
        request: eb.ref('excluded.request'),
        status: eb.ref('excluded.status'),
        headers: eb.ref('excluded.headers'),
        body: eb.ref('excluded.body'),
        created_at: sql<never>`clock_timestamp()`,
      })),
    )
    .execute();
}

/** Resolves with the number of deleted answers. */
export async function deleteOldAnswers(
  db: Database,
  { keptHours, limit }: { keptHours: number; limit: number },
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from carillon.idempotency_key i
     using (select scope, key from carillon.idempotency_key
             where created_at < clock_timestamp() - make_interval(hours => ${keptHours}::int)
             order by created_at
             limit ${limit}
               for update skip locked) old
     where i.scope = old.scope and i.key = old.key`.execute(db);
  return Number(numAffectedRows);
}
