// Finds schedules whose calendars have other dates by now than their spec. A trigger notes each change of a calendar's
// dates, and each schedule that was written with older ones (migrations/0031).
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { CalendarId, ScheduleId, Slot, TenantId } from '#kernel/ids.js';

export interface NotedChange {
  id: number;
  calendarId: CalendarId;
}

export interface OutdatedSchedule {
  id: ScheduleId;
  tenantId: TenantId;
  slot: Slot;
  name: string;
  revision: number;
  storedSpec: unknown;
}

/** The oldest notes. */
export async function readChanges(db: Database, limit: number): Promise<NotedChange[]> {
  return db
    .selectFrom('calendar_change')
    .select(['id', 'calendar_id as calendarId'])
    .orderBy('id')
    .limit(limit)
    .execute();
}

export async function findOutdated(
  db: Database,
  {
    calendars,
    except,
    limit,
  }: { calendars: readonly CalendarId[]; except: readonly ScheduleId[]; limit: number },
): Promise<OutdatedSchedule[]> {
  const { rows } = await sql<OutdatedSchedule>`
    select s.id, s.tenant_id as "tenantId", s.slot, s.name, s.revision, s.spec as "storedSpec"
      from (select distinct u.schedule_id
              from carillon.calendar c
              join carillon.schedule_calendar u on u.calendar_id = c.id and u.dates_revision < c.dates_revision
             where c.id = any(${[...calendars]}::uuid[]) and u.schedule_id <> all(${[...except]}::uuid[])
             order by u.schedule_id
             limit ${limit}) outdated
      join carillon.schedule s on s.id = outdated.schedule_id`.execute(db);
  return rows;
}

/** By their numbers: a note that comes meanwhile stays. */
export async function forgetChanges(db: Database, ids: readonly number[]): Promise<void> {
  await db
    .deleteFrom('calendar_change')
    .where('id', '=', sql<number>`any(${[...ids]}::bigint[])`)
    .execute();
}
