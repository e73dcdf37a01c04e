// Unique keys. A transaction that has inserted or locked a key's row decides about the key until commit; every other
// that wants the key waits. All take keys in the same order, so that no two batches wait for each other.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import { NO_UUID, type RunId, type TenantId } from '#kernel/ids.js';

export interface NewKey {
  key: string;
  runId: RunId;
  /** Null: held until the run has ended. */
  windowMs: number | null;
}

/**
 * Bounds the next statements by what is left of the wait for keys, counted from the begin of the transaction, since a
 * lock_timeout begins anew with each key. Resolves with the limit that they had before.
 */
export async function limitStatements(
  tx: Tx,
  { waitMs, leastMs }: { waitMs: number; leastMs: number },
): Promise<string> {
  const { rows } = await sql<{ before: string }>`
    select current_setting('statement_timeout') as before,
           set_config('statement_timeout', greatest(${leastMs}::float8, ${waitMs}::float8 -
             extract(epoch from clock_timestamp() - transaction_timestamp()) * 1000)::int::text, true)`.execute(
    tx,
  );
  return rows[0]?.before ?? '0';
}

export async function limitStatementsAsBefore(tx: Tx, before: string): Promise<void> {
  await sql`select set_config('statement_timeout', ${before}, true)`.execute(tx);
}

/** Takes the keys that are free and resolves with them. Waits for other transactions that are taking the same keys. */
export async function insertKeys(
  tx: Tx,
  { tenantId, keys }: { tenantId: TenantId; keys: readonly NewKey[] },
): Promise<Set<string>> {
  const { rows } = await sql<{ key: string }>`
    insert into carillon.unique_key (tenant_id, key, run_id, expires_at)
    select ${tenantId}::uuid, k.key, k.run_id, clock_timestamp() + make_interval(secs => k.window_ms / 1000)
      from unnest(${keys.map((key) => key.key)}::text[],
                  ${keys.map((key) => key.runId)}::uuid[],
                  ${keys.map((key) => key.windowMs)}::float8[]) as k (key, run_id, window_ms)
     order by k.key collate "C"
    on conflict do nothing
    returning key`.execute(tx);
  return new Set(rows.map((row) => row.key));
}

export interface HeldKey {
  key: string;
  runId: RunId;
  /** Its window is over; never true of a key that is held until its run has ended. */
  isOver: boolean;
  untilRunEnds: boolean;
}

/**
 * Keys that were cleared away meanwhile are missing. Each is locked by itself, in their order: of a list that is locked
 * at once each row that another transaction has just changed is compared anew with the whole list, which took seconds
 * for ten thousand keys.
 */
export async function lockKeys(
  tx: Tx,
  { tenantId, keys }: { tenantId: TenantId; keys: readonly string[] },
): Promise<HeldKey[]> {
  const { rows } = await sql<HeldKey>`
    select u.*
      from (select distinct key collate "C" as key from unnest(${[...keys]}::text[]) as given (key) order by 1) as k
     cross join lateral (
       select key, run_id as "runId", coalesce(expires_at <= clock_timestamp(), false) as "isOver", expires_at is null as "untilRunEnds"
         from carillon.unique_key
        where tenant_id = ${tenantId} and key = k.key
          for update) u`.execute(tx);
  return rows;
}

/**
 * The runs of these that have not ended. Read after the keys are locked, so that it sees the transactions waited for.
 */
export async function unfinishedAmong(tx: Tx, ids: readonly RunId[]): Promise<Set<RunId>> {
  const { rows } = await sql<{ id: RunId }>`
    select id from carillon.run where id = any(${[...ids]}::uuid[])`.execute(tx);
  return new Set(rows.map((row) => row.id));
}

/** Gives locked keys to other runs. */
export async function updateKeys(
  tx: Tx,
  { tenantId, keys }: { tenantId: TenantId; keys: readonly NewKey[] },
): Promise<void> {
  await sql`
    update carillon.unique_key u
       set run_id = k.run_id, expires_at = clock_timestamp() + make_interval(secs => k.window_ms / 1000)
      from unnest(${keys.map((key) => key.key)}::text[],
                  ${keys.map((key) => key.runId)}::uuid[],
                  ${keys.map((key) => key.windowMs)}::float8[]) as k (key, run_id, window_ms)
     where u.tenant_id = ${tenantId} and u.key = k.key`.execute(tx);
}

export async function deleteKeys(
  tx: Tx,
  { tenantId, keys }: { tenantId: TenantId; keys: readonly string[] },
): Promise<void> {
  await sql`
    delete from carillon.unique_key where tenant_id = ${tenantId} and key = any(${[...keys]}::text[])`.execute(
    tx,
  );
}

/** Clears keys whose window is over, except those in use; resolves with how many. */
export async function deleteOverKeys(db: Database, { limit }: { limit: number }): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from carillon.unique_key u
     using (select tenant_id, key from carillon.unique_key
             where expires_at < clock_timestamp()
             order by expires_at
             limit ${limit}
               for update skip locked) over
     where u.tenant_id = over.tenant_id and u.key = over.key`.execute(db);
  return Number(numAffectedRows);
}

export interface KeyPlace {
  tenantId: TenantId;
  key: string;
}

/**
 * Checks the next keys after a place and clears those whose run has ended; resolves with the last place, or undefined
 * at the end. A request may take a key while this pass clears it: the row must still be the version that was read. So a
 * key taken meanwhile for a run that this snapshot can't see stays with that run, even if the row named it before: the
 * run may have come back.
 */
export async function deleteEndedKeys(
  db: Database,
  { after, limit }: { after: KeyPlace | null; limit: number },
): Promise<KeyPlace | undefined> {
  const { rows } = await sql<KeyPlace>`
    with looked as materialized (
      select tenant_id, key, run_id, expires_at, xmin as version from carillon.unique_key
       where (tenant_id, key) > (${after?.tenantId ?? NO_UUID}::uuid, ${after?.key ?? ''}::text)
       order by tenant_id, key
       limit ${limit}),
    ended as materialized (
      select l.tenant_id, l.key, l.version from looked l
        left join lateral (select id from carillon.run r where r.id = l.run_id limit 1) r on true
       where l.expires_at is null and r.id is null),
    gone as (
      delete from carillon.unique_key u using ended e
       where u.tenant_id = e.tenant_id and u.key = e.key and u.xmin = e.version)
    select tenant_id as "tenantId", key from looked order by tenant_id desc, key desc limit 1`.execute(db);
  return rows[0];
}
