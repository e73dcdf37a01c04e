// The shape of the calendars that a schedule refers to, in requests and answers: their names. Their days are looked up when
// the schedule is written.
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';
import { namesOf, resolveCalendars, type CalendarNames } from '#scheduling/calendars/calendars.js';
import type { Calendars } from '#scheduling/decisions/calendars/open-days.js';
import { boundsOf, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { invalidField } from '../../problems/problem.js';
import { orNull, resourceName } from '../../requests/shapes.js';

const CALENDARS_MAX = 5;

const side = z.array(resourceName).max(CALENDARS_MAX);
const exclude = side.describe('No due time lies on a day of one of these.');
const include = side.describe('Each due time lies on a day of one of these.');

export const calendars = z.object({
  exclude: z.array(z.string()).optional(),
  include: z.array(z.string()).optional(),
});
export const calendarsInput = z
  .strictObject({ exclude: orNull(exclude), include: orNull(include) })
  .refine(areFew, {
    error: `expected at most ${CALENDARS_MAX} calendars, each named once, in exclude and include together`,
  })
  .describe("Names of calendars. A due time's date is that of the clock of timeZone.");
export const calendarsPatch = z.strictObject({
  exclude: exclude.nullable().optional(),
  include: include.nullable().optional(),
});

function areFew({ exclude: left = [], include: kept = [] }: CalendarNames): boolean {
  const all = [...left, ...kept];
  return all.length <= CALENDARS_MAX && new Set(all).size === all.length;
}

/** Null for none. */
export function givenCalendars(given: CalendarNames | undefined): CalendarNames | null {
  const { exclude: left = [], include: kept = [] } = given ?? {};
  if (left.length + kept.length === 0) return null;
  return {
    ...(left.length === 0 ? {} : { exclude: left }),
    ...(kept.length === 0 ? {} : { include: kept }),
  };
}

/** Null, for both sides or for one, means none. */
export function patchedCalendars(
  patch: z.output<typeof calendarsPatch> | null | undefined,
  current: ScheduleSpec | null,
): CalendarNames | undefined {
  if (patch === null) return undefined;
  const kept = current === null ? undefined : (namesIn(current) ?? undefined);
  if (patch === undefined) return kept;
  const merged = { ...kept, ...patch };
  const names = { exclude: merged.exclude ?? undefined, include: merged.include ?? undefined };
  if (areFew(names)) return names;
  throw invalidField('/calendars', `expected at most ${CALENDARS_MAX} calendars, each named once, got more`);
}

/** Null where it refers to none. */
export function namesIn(spec: ScheduleSpec): CalendarNames | null {
  const { calendars: resolved } = boundsOf(spec);
  return resolved === undefined ? null : namesOf(resolved);
}

/** With their present days. Throws a problem for one that is not there. */
export async function requireCalendars(
  db: Database,
  tenant: { id: TenantId },
  names: CalendarNames,
): Promise<Calendars | null> {
  const resolved = await resolveCalendars(db, tenant.id, names);
  if ('calendars' in resolved) return resolved.calendars;
  const { side: of, index } = resolved.unknown;
  throw invalidField(
    `/calendars/${of}/${index}`,
    `expected a calendar of the tenant, got ${JSON.stringify(names[of]?.[index])}, which it does not have`,
  );
}
