// Makes, replaces and deletes calendars, and finds the days that a schedule's calendars name. A schedule's spec has the
// days of its calendars as they were when it was written, since due times follow from the spec alone; when a calendar gets
// other dates, the leader moves the schedules that refer to it (calendar-loop.ts).
import { isDeepStrictEqual } from 'node:util';
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import { randomUUID } from '#database/runtime/uuid.js';
import { asId, type TenantId } from '#kernel/ids.js';
import { joinedDays } from '#scheduling/decisions/calendars/day-list.js';
import type { CalendarDays, Calendars } from '#scheduling/decisions/calendars/open-days.js';
import * as rows from './calendar.repository.js';

export const CALENDARS_MAX = 100;

/** The names of the calendars that a schedule leaves out and keeps to; null, or none, for none. */
export interface CalendarNames {
  exclude?: readonly string[] | undefined;
  include?: readonly string[] | undefined;
}

interface CalendarRef {
  tenantId: TenantId;
  name: string;
  /** The revision that the caller has seen; null for any. */
  revision: number | null;
}

export type PutResult =
  | { kind: 'created' | 'changed' | 'same'; calendar: rows.Calendar }
  | { kind: 'not-found' }
  | { kind: 'exists'; currentRevision: number }
  | { kind: 'stale'; currentRevision: number }
  | { kind: 'full'; current: number };

export async function putCalendar(
  db: Database,
  { tenantId, name, revision }: CalendarRef,
  wanted: rows.CalendarContent & { mayCreate: boolean; mayReplace: boolean },
): Promise<PutResult> {
  return inTransaction(db, async (tx): Promise<PutResult> => {
    const found = await rows.lockCalendar(tx, { tenantId, name });
    if (found !== undefined) return replace(tx, found, { ...wanted, revision });
    if (!wanted.mayCreate) return { kind: 'not-found' };
    const current = await rows.countCalendarsAlone(tx, tenantId);
    // Another request may have made it while this one waited for the tenant.
    const raced = await rows.lockCalendar(tx, { tenantId, name });
    if (raced !== undefined) return replace(tx, raced, { ...wanted, revision });
    if (current >= CALENDARS_MAX) return { kind: 'full', current };
    const id = asId.calendar(randomUUID());
    return { kind: 'created', calendar: await rows.insertCalendar(tx, { ...wanted, id, tenantId, name }) };
  });
}

async function replace(
  tx: Tx,
  found: rows.Calendar,
  {
    description,
    dates,
    mayReplace,
    revision,
  }: rows.CalendarContent & { mayReplace: boolean; revision: number | null },
): Promise<PutResult> {
  if (!mayReplace) return { kind: 'exists', currentRevision: found.revision };
  if (revision !== null && revision !== found.revision)
    return { kind: 'stale', currentRevision: found.revision };
  const isSame = isDeepStrictEqual([description, dates], [found.description, found.dates]);
  if (isSame) return { kind: 'same', calendar: found };
  const isOtherDates = joinedDays(dates) !== joinedDays(found.dates);
  const changed = await rows.updateCalendar(tx, { id: found.id, description, dates, isOtherDates });
  return { kind: 'changed', calendar: changed };
}

export type DeleteResult =
  | { kind: 'deleted' }
  | { kind: 'not-found' }
  | { kind: 'stale'; currentRevision: number }
  | { kind: 'in-use'; schedules: number };

export async function deleteCalendar(
  db: Database,
  { tenantId, name, revision }: CalendarRef,
): Promise<DeleteResult> {
  return inTransaction(db, async (tx): Promise<DeleteResult> => {
    const found = await rows.lockCalendar(tx, { tenantId, name });
    if (found === undefined) return { kind: 'not-found' };
    if (revision !== null && revision !== found.revision)
      return { kind: 'stale', currentRevision: found.revision };
    const schedules = await rows.countUses(tx, found.id);
    if (schedules > 0) return { kind: 'in-use', schedules };
    await rows.deleteCalendar(tx, found.id);
    return { kind: 'deleted' };
  });
}

/** Null where none are named; or the first name, by its place, that no calendar of the tenant has. */
export async function resolveCalendars(
  db: Database,
  tenantId: TenantId,
  { exclude = [], include = [] }: CalendarNames,
): Promise<{ calendars: Calendars | null } | { unknown: { side: keyof Calendars; index: number } }> {
  const names = [...exclude, ...include];
  if (names.length === 0) return { calendars: null };
  const found = await rows.findCalendars(db, { tenantId, names });
  const byName = new Map(found.map((calendar) => [calendar.name, calendar]));
  for (const [side, of] of [
    ['exclude', exclude],
    ['include', include],
  ] as const) {
    const index = of.findIndex((name) => !byName.has(name));
    if (index >= 0) return { unknown: { side, index } };
  }
  const daysOf = (of: readonly string[]): CalendarDays => {
    const named = of.flatMap((name) => byName.get(name) ?? []);
    return {
      names: of,
      revisions: named.map(({ datesRevision }) => datesRevision),
      days: joinedDays(named.flatMap(({ dates }) => dates)),
    };
  };
  return {
    calendars: {
      ...(exclude.length === 0 ? {} : { exclude: daysOf(exclude) }),
      ...(include.length === 0 ? {} : { include: daysOf(include) }),
    },
  };
}

export function namesOf({ exclude, include }: Calendars): CalendarNames {
  return {
    ...(exclude === undefined ? {} : { exclude: exclude.names }),
    ...(include === undefined ? {} : { include: include.names }),
  };
}
