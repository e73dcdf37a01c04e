// What can be said of a schedule whose due times follow from runs, beyond its row: whether it waits, for which run,
// which due times ahead are known, and how many schedules follow it.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { RunId, ScheduleId, TenantId } from '#kernel/ids.js';

export interface Awaiting {
  /** More due times may follow from runs, so a schedule without a next one has not ended. */
  isWaiting: boolean;
  /** Whose end it waits for; null for none, or one of another schedule. */
  awaitedRunId: RunId | null;
}

export const AWAITS_NOTHING: Awaiting = { isWaiting: false, awaitedRunId: null };

/** Of the row `schedule`, by its spec: what triggers note is not there yet when a statement returns the row. */
export const isWaiting = sql<boolean>`(schedule.spec ->> 'kind' in ('delay', 'follow')
  and coalesce(schedule.spec ->> 'endAt' > to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') collate "C", true))`;

export const awaitingColumns = [
  sql<boolean>`coalesce(${isWaiting}, false)`.as('isWaiting'),
  sql<RunId | null>`case when schedule.spec ->> 'kind' = 'delay' then (
    select r.id from carillon.run r where r.schedule_id = schedule.id and r.due_at is not null order by r.id limit 1) end`.as(
    'awaitedRunId',
  ),
] as const;

interface OfTenant {
  id: ScheduleId;
  tenantId: TenantId;
}

/** How many other schedules follow this one. The caller holds it. */
export async function countFollowers(tx: Tx, { id, tenantId }: OfTenant): Promise<number> {
  const { count } = await tx
    .selectFrom('schedule_following')
    .select(sql<number>`count(*)::int`.as('count'))
    .where('tenant_id', '=', tenantId)
    .where('followed_id', '=', id)
    .where('schedule_id', '<>', id)
    .executeTakeFirstOrThrow();
  return count;
}

export async function isThere(
  db: Database,
  { tenantId, name }: { tenantId: TenantId; name: string },
): Promise<boolean> {
  const found = await db
    .selectFrom('schedule')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .executeTakeFirst();
  return found !== undefined;
}

/** Whether a run of one of its due times has not ended. */
export async function hasUnfinishedRun(tx: Tx, { id, tenantId }: OfTenant): Promise<boolean> {
  const found = await tx
    .selectFrom('run')
    .select('id')
    .where('schedule_id', '=', id)
    .where('tenant_id', '=', tenantId)
    .where('due_at', 'is not', null)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** The due times after an instant that are known by now, decided or not, the soonest first, at most `limit`. */
export async function knownAhead(
  db: Database,
  { id, tenantId, after, limit }: OfTenant & { after: Date; limit: number },
): Promise<Date[]> {
  const { rows } = await sql<{ dueAt: Date }>`
    select due_at as "dueAt"
      from (select due_at from carillon.fire where schedule_id = ${id} and tenant_id = ${tenantId}
             union
            select due_at from carillon.due_note where schedule_id = ${id} and tenant_id = ${tenantId} and is_placed
             union
            select next_due_at from carillon.schedule where id = ${id} and tenant_id = ${tenantId}) known
     where due_at > ${after}
     order by due_at
     limit ${limit}`.execute(db);
  return rows.map(({ dueAt }) => dueAt);
}

/** The first of them that is not decided. */
export async function firstPlacedAfter(
  db: Database,
  { id, tenantId, after }: OfTenant & { after: Date },
): Promise<Date | null> {
  const { rows } = await sql<{ dueAt: Date }>`
    select n.due_at as "dueAt"
      from carillon.due_note n join carillon.schedule_following f on f.id = n.following_id
     where n.schedule_id = ${id} and n.tenant_id = ${tenantId} and n.is_placed and n.due_at > ${after}
       and not exists (select from carillon.fire f where f.schedule_id = n.schedule_id and f.due_at = n.due_at)
     order by n.due_at
     limit 1`.execute(db);
  return rows[0]?.dueAt ?? null;
}
