// The calendars of tenants: named sets of dates.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import { readFitting, type FittingPage } from '#database/fitting-page.repository.js';
import type { CalendarId, TenantId } from '#kernel/ids.js';

export interface Calendar {
  id: CalendarId;
  name: string;
  description: string | null;
  /** As they were given. */
  dates: string[];
  createdAt: Date;
  updatedAt: Date;
  revision: number;
  /** The revision that changed the dates last. */
  datesRevision: number;
}

export interface CalendarContent {
  description: string | null;
  dates: readonly string[];
}

interface NamedOfTenant {
  tenantId: TenantId;
  name: string;
}

const columns = [
  'id',
  'name',
  'description',
  'dates',
  'created_at as createdAt',
  'updated_at as updatedAt',
  'revision',
  'dates_revision as datesRevision',
] as const;

export async function findCalendar(
  db: Database,
  { tenantId, name }: NamedOfTenant,
): Promise<Calendar | undefined> {
  return db
    .selectFrom('calendar')
    .select(columns)
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .executeTakeFirst();
}

/** Locks the row: no schedule that names the calendar can be written until the caller's transaction is over. */
export async function lockCalendar(tx: Tx, { tenantId, name }: NamedOfTenant): Promise<Calendar | undefined> {
  return tx
    .selectFrom('calendar')
    .select(columns)
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst();
}

export async function findCalendars(
  db: Database,
  { tenantId, names }: { tenantId: TenantId; names: readonly string[] },
): Promise<Pick<Calendar, 'name' | 'dates' | 'datesRevision'>[]> {
  return db
    .selectFrom('calendar')
    .select(['name', 'dates', 'dates_revision as datesRevision'])
    .where('tenant_id', '=', tenantId)
    .where('name', '=', sql<string>`any(${[...names]}::text[])`)
    .execute();
}

export async function listCalendars(
  db: Database,
  page: { tenantId: TenantId; afterName: string | null; limit: number },
): Promise<FittingPage<Calendar>> {
  const wanted = db
    .selectFrom('calendar')
    .select(columns)
    .where('tenant_id', '=', page.tenantId)
    .$if(page.afterName !== null, (query) => query.where('name', '>', page.afterName ?? ''))
    .orderBy('name')
    .limit(page.limit);
  return readFitting(db, wanted);
}

/**
 * Locks the tenant first, so that of requests that would add calendars one does so at a time and counts those that the
 * others have added.
 */
export async function countCalendarsAlone(tx: Tx, tenantId: TenantId): Promise<number> {
  await tx.selectFrom('tenant').select('id').where('id', '=', tenantId).forNoKeyUpdate().executeTakeFirst();
  const { count } = await tx
    .selectFrom('calendar')
    .select(sql<number>`count(*)::int`.as('count'))
    .where('tenant_id', '=', tenantId)
    .executeTakeFirstOrThrow();
  return count;
}

export async function insertCalendar(
  tx: Tx,
  { id, tenantId, name, description, dates }: CalendarContent & NamedOfTenant & { id: CalendarId },
): Promise<Calendar> {
  return tx
    .insertInto('calendar')
    .values({ id, tenant_id: tenantId, name, description, dates: [...dates] })
    .returning(columns)
    .executeTakeFirstOrThrow();
}

/** The caller holds the row's lock. Only other dates concern the schedules that refer to it. */
export async function updateCalendar(
  tx: Tx,
  {
    id,
    description,
    dates,
    isOtherDates,
  }: CalendarContent & Pick<Calendar, 'id'> & { isOtherDates: boolean },
): Promise<Calendar> {
  return tx
    .updateTable('calendar')
    .set({
      description,
      dates: [...dates],
      updated_at: sql<Date>`clock_timestamp()`,
      revision: sql<number>`revision + 1`,
      ...(isOtherDates ? { dates_revision: sql<number>`revision + 1` } : {}),
    })
    .where('id', '=', id)
    .returning(columns)
    .executeTakeFirstOrThrow();
}

/** How many schedules refer to the calendar. */
export async function countUses(db: Database, id: CalendarId): Promise<number> {
  const { count } = await db
    .selectFrom('schedule_calendar')
    .select(sql<number>`count(*)::int`.as('count'))
    .where('calendar_id', '=', id)
    .executeTakeFirstOrThrow();
  return count;
}

/** The caller holds the row's lock. */
export async function deleteCalendar(tx: Tx, id: CalendarId): Promise<void> {
  await tx.deleteFrom('calendar').where('id', '=', id).execute();
}
