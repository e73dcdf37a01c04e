// Acquires locks, and looks whether the locks that callers wait for may be free. The database's function
// carillon.acquire_locks() decides; a look only says when it is worth calling.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { ReplicaNumber, TenantId } from '#kernel/ids.js';
import type { LockHold, LockWish } from './lock.js';

export interface AcquireRequest {
  tenantId: TenantId;
  holder: string;
  /** In order (see inOrder), each name once. */
  wishes: readonly LockWish[];
  leaseMs: number;
  isReentrant: boolean;
}

/** How long a caller's place in line lasts without another call. */
export interface Waiting {
  ms: number;
  /** The replica that answers the caller; null between two requests. */
  replica: ReplicaNumber | null;
}

interface Answer {
  name: string | null;
  token: number | null;
  expiresAt: Date | null;
  ticket: number | null;
}

/**
 * All of the holds, or the caller's place in line, or null where it would have to wait and does not. Rejects with SQLSTATE
 * P0002 for a semaphore that is not defined, 22023 for one that has fewer permits, and 55P03 while an open transaction of
 * another session has tried the lock.
 */
export async function acquireLocks(
  db: Database,
  { tenantId, holder, wishes, leaseMs, isReentrant }: AcquireRequest,
  waiting: Waiting | null,
): Promise<{ holds: LockHold[] } | { ticket: number } | null> {
  const { rows } = await sql<Answer>`
    select name, token::float8 as token, nullif(expires_at, 'infinity') as "expiresAt", ticket::float8 as ticket
      from carillon.acquire_locks(
             ${tenantId}::uuid, ${holder}::text, ${wishes.map(({ name }) => name)}::text[], ${wishes.map(({ mode }) => mode)}::text[],
             ${wishes.map(({ permits }) => permits)}::integer[], ${leaseMs} * interval '1 ms', ${isReentrant}::boolean,
             ${waiting?.ms ?? null}::float8 * interval '1 ms', ${waiting?.replica ?? null}::integer)`.execute(
    db,
  );
  const [first] = rows;
  if (first === undefined) return null;
  if (first.ticket !== null) return { ticket: first.ticket };
  // A row without a ticket is a hold.
  return { holds: rows.map(({ ticket: _none, ...hold }) => hold as LockHold) };
}

/** Where a caller waits. */
export interface Place {
  tenantId: TenantId;
  name: string;
  ticket: number;
}

export interface Look {
  ticket: number;
  /** No one else may be in the way any more. */
  isReady: boolean;
  /** For how long the latest of those that are in the way has held it; 0 for one that is about to, null for none. */
  heldMs: number | null;
  /** When the first of their leases ends. */
  expiresInMs: number | null;
}

/**
 * One row for each place that is still there. It is ready when it is the first in its line, and nothing holds its lock that
 * excludes every other hold: whether permits are left, say, only a call can tell.
 */
export async function lookAtPlaces(db: Database, places: readonly Place[]): Promise<Look[]> {
  const { rows } = await sql<Look>`
    select mine.ticket::float8 as ticket,
           line.is_first and (holds.number = 0 or w.mode <> 'exclusive' and not holds.has_exclusive) as "isReady",
           case when holds.number = 0 and not line.is_first then 0 else holds."heldMs" end as "heldMs", holds."expiresInMs"
      from unnest(${places.map(({ tenantId }) => tenantId)}::uuid[], ${places.map(({ name }) => name)}::text[],
                  ${places.map(({ ticket }) => ticket)}::bigint[]) as mine (tenant_id, name, ticket)
      join carillon.lock_wait w on w.tenant_id = mine.tenant_id and w.name = mine.name and w.ticket = mine.ticket
      cross join lateral (
        select count(*) as number, coalesce(bool_or(h.mode = 'exclusive'), false) as has_exclusive,
               extract(epoch from clock_timestamp() - max(h.acquired_at))::float8 * 1000 as "heldMs",
               extract(epoch from min(nullif(h.expires_at, 'infinity')) - clock_timestamp())::float8 * 1000 as "expiresInMs"
          from carillon.lock_hold h
         where h.tenant_id = mine.tenant_id and h.name = mine.name and h.expires_at > clock_timestamp()) as holds
      cross join lateral (
        select carillon.first_in_line(mine.tenant_id, mine.name, w.holder) = w.holder as is_first) as line`.execute(
    db,
  );
  return rows;
}

/** A place that the caller may have taken up again at another replica meanwhile: then it is no more for this one to say. */
interface OwnPlace {
  tenantId: TenantId;
  holder: string;
  replica: ReplicaNumber | null;
}

/** The caller waits no more. */
export async function leaveLine(db: Database, { tenantId, holder, replica }: OwnPlace): Promise<void> {
  await db
    .deleteFrom('lock_wait')
    .where('tenant_id', '=', tenantId)
    .where('holder', '=', holder)
    .where('replica', 'is not distinct from', replica)
    .execute();
}

/** Keeps the caller's place for its next request, which may come to another replica. */
export async function keepPlace(
  db: Database,
  { tenantId, holder, replica, ms }: OwnPlace & { ms: number },
): Promise<void> {
  await db
    .updateTable('lock_wait')
    .set({ replica: null, until: sql<Date>`clock_timestamp() + ${ms} * interval '1 ms'` })
    .where('tenant_id', '=', tenantId)
    .where('holder', '=', holder)
    .where('replica', 'is not distinct from', replica)
    .execute();
}
