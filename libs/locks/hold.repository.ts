// The holds of locks: renewed and released by their tokens, and shown to who asks.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { ReplicaNumber, RunId, TenantId } from '#kernel/ids.js';
import type { HoldRef, LockHold, LockMode } from './lock.js';

/** Null for a run's hold, which has no lease: the driver would make a number of its instant. */
const LEASE_END = sql<Date | null>`nullif(expires_at, 'infinity')`;

/** Undefined when the lease has ended: the lock may be another's by now. A run's hold has none to be renewed. */
export async function renewHold(
  db: Database,
  { tenantId, name, token, leaseMs }: HoldRef & { leaseMs: number },
): Promise<LockHold | undefined> {
  return db
    .updateTable('lock_hold')
    .set({
      expires_at: sql<Date>`case when expires_at = 'infinity' then expires_at else clock_timestamp() + ${leaseMs} * interval '1 ms' end`,
    })
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .where('token', '=', token)
    .where('expires_at', '>', sql<Date>`clock_timestamp()`)
    .returning(['name', sql<number>`token::float8`.as('token'), LEASE_END.as('expiresAt')])
    .executeTakeFirst();
}

/** So many at the head of a line are asked for where they wait, if they can hold the lock together. */
const TOGETHER_MAX = 100;

export interface Release {
  /** False when the lease had ended before. */
  wasHeld: boolean;
  /** The replicas at which those wait who may be next. */
  nextAt: ReplicaNumber[];
}

export async function releaseHold(db: Database, { tenantId, name, token }: HoldRef): Promise<Release> {
  const { rows } = await sql<Release>`
    select carillon.release_hold(${tenantId}::uuid, ${name}::text, ${token}::bigint) as "wasHeld",
           array(select distinct line.replica
                   from (select w.replica, row_number() over (order by w.ticket) as place, bool_and(w.mode <> 'exclusive') over (order by w.ticket) as together
                           from carillon.lock_wait w
                          where w.tenant_id = ${tenantId} and w.name = ${name} and w.until > clock_timestamp()
                            and exists (select from carillon.replica r where r.number = w.replica and r.state in ('active', 'draining'))
                          order by w.ticket
                          limit ${TOGETHER_MAX}) line
                  where line.place = 1 or line.together) as "nextAt"`.execute(db);
  return rows[0] ?? { wasHeld: false, nextAt: [] };
}

/**
 * Gives back what was acquired for a caller that did not stay for the answer. One that asked elsewhere may have found its
 * hold by now and renewed it, and relies on it.
 */
export async function giveBackHold(
  db: Database,
  { tenantId, name, token, expiresAt }: LockHold & { tenantId: TenantId },
): Promise<void> {
  // The instant has lost what is below a millisecond.
  await sql`
    select carillon.release_hold(h.tenant_id, h.name, h.token)
      from carillon.lock_hold h
     where h.tenant_id = ${tenantId}::uuid and h.name = ${name}::text and h.token = ${token}::bigint
       and h.expires_at < ${expiresAt}::timestamptz + interval '1 ms'`.execute(db);
}

export interface ShownHold extends LockHold {
  holder: string;
  mode: LockMode;
  permits: number;
  depth: number;
  acquiredAt: Date;
  /** The run whose attempt holds it; null for a caller's hold. */
  runId: RunId | null;
}

const shown = [
  'name',
  sql<number>`token::float8`.as('token'),
  'holder',
  'mode',
  'permits',
  'depth',
  'acquired_at as acquiredAt',
  LEASE_END.as('expiresAt'),
  'run_id as runId',
] as const;

interface HoldsOf {
  tenantId: TenantId;
  names: readonly string[];
  limitEach: number;
  /** Whose holds come first, if any. */
  first?: string | null;
}

/** The holds of these locks whose lease has not ended: of each the oldest, `limitEach` at most. */
export async function findHolds(
  db: Database,
  { tenantId, names, limitEach, first = null }: HoldsOf,
): Promise<ShownHold[]> {
  const { rows } = await sql<ShownHold>`
    select h.name, h.token::float8 as token, h.holder, h.mode, h.permits, h.depth, h.acquired_at as "acquiredAt",
           nullif(h.expires_at, 'infinity') as "expiresAt", h.run_id as "runId"
      from unnest(${[...names]}::text[]) as wanted (name)
      cross join lateral (
        select * from carillon.lock_hold
         where tenant_id = ${tenantId} and lock_hold.name = wanted.name and expires_at > clock_timestamp()
         order by holder is not distinct from ${first} desc, token
         limit ${limitEach}) as h`.execute(db);
  return rows;
}

/** Ends holds whose holders have not released them: that of the token, or all of the lock's. */
export async function endHolds(
  db: Database,
  { tenantId, name, token }: { tenantId: TenantId; name: string; token: number | null },
): Promise<ShownHold[]> {
  return db
    .deleteFrom('lock_hold')
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .$if(token !== null, (query) => query.where('token', '=', token ?? 0))
    .where('expires_at', '>', sql<Date>`clock_timestamp()`)
    .returning(shown)
    .execute();
}

/** At most so many are counted. */
export async function countHolds(
  db: Database,
  { tenantId, upTo }: { tenantId: TenantId; upTo: number },
): Promise<number> {
  const { rows } = await sql<{ number: number }>`
    select count(*)::int as number
      from (select from carillon.lock_hold where tenant_id = ${tenantId} and expires_at > clock_timestamp() limit ${upTo}) as counted`.execute(
    db,
  );
  return rows[0]?.number ?? 0;
}

/** Deletes rows of leases and places that ended without a word, at most `limit` of each; resolves with their number. */
export async function clearEnded(db: Database, { limit }: { limit: number }): Promise<number> {
  const { rows } = await sql<{ number: number }>`
    with ended as (
      delete from carillon.lock_hold
       where ctid = any(array(select ctid from carillon.lock_hold where expires_at < clock_timestamp() - interval '1 minute'
                               limit ${limit} for update skip locked))
      returning 1),
    left_line as (
      delete from carillon.lock_wait
       where ctid = any(array(select ctid from carillon.lock_wait where until < clock_timestamp() - interval '1 minute'
                               limit ${limit} for update skip locked))
      returning 1)
    select (select count(*) from ended)::int + (select count(*) from left_line)::int as number`.execute(db);
  return rows[0]?.number ?? 0;
}
