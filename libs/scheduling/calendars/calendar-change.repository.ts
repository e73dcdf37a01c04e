// Finds schedules whose calendars have other dates by now than their spec. A trigger notes each change of a calendar's
// dates, and each schedule that was written with older ones (migrations/0031).
import { sql } from 'kysely';
import type { Question } from '#cluster/lookout/lookout.repository.js';
import type { Database } from '#database/connection.js';
import type { CalendarId, ScheduleId, Slot, TenantId } from '#kernel/ids.js';

export interface NotedChange {
  calendarId: CalendarId;
  /** Of its last note. */
  upTo: number;
}

export interface OutdatedSchedule {
  id: ScheduleId;
  tenantId: TenantId;
  slot: Slot;
  name: string;
  revision: number;
  storedSpec: unknown;
}

export const isAnyChange: Question = sql`(select min(id) from carillon.calendar_change) is not null`;

/** Of each calendar one, however often it was changed. */
export async function readChanges(db: Database): Promise<NotedChange[]> {
  return db
    .selectFrom('calendar_change')
    .select(({ fn }) => ['calendar_id as calendarId', fn.max('id').as('upTo')])
    .groupBy('calendar_id')
    .execute();
}

/** One of each tenant, then a second one of each, and so on: no tenant waits for another's ten thousand. */
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
      from (select schedule_id, row_number() over (partition by tenant_id order by schedule_id) as place
              from (select distinct u.schedule_id, c.tenant_id
                      from carillon.calendar c
                      join carillon.schedule_calendar u on u.calendar_id = c.id and u.dates_revision < c.dates_revision
                     where c.id = any(${[...calendars]}::uuid[]) and u.schedule_id <> all(${[...except]}::uuid[])) found
             order by place, schedule_id
             limit ${limit}) outdated
      join carillon.schedule s on s.id = outdated.schedule_id
     order by outdated.place, s.id`.execute(db);
  return rows;
}

/** The notes of calendars of which no schedule is left to be moved, but for those that are set aside. Later notes stay. */
export async function forgetSettled(
  db: Database,
  { notes, except }: { notes: readonly NotedChange[]; except: readonly ScheduleId[] },
): Promise<void> {
  await sql`
    delete from carillon.calendar_change n
     using unnest(${notes.map(({ calendarId }) => calendarId)}::uuid[], ${notes.map(({ upTo }) => upTo)}::bigint[]) as noted (calendar_id, up_to)
     where n.calendar_id = noted.calendar_id and n.id <= noted.up_to
       and not exists (select 1
                         from carillon.calendar c
                         join carillon.schedule_calendar u on u.calendar_id = c.id and u.dates_revision < c.dates_revision
                        where c.id = n.calendar_id and u.schedule_id <> all(${[...except]}::uuid[]))`.execute(
    db,
  );
}
