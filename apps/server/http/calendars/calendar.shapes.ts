// The shape of a calendar in requests and answers.
import { z } from 'zod';
import type { Calendar } from '#scheduling/calendars/calendar.repository.js';
import { AN_ENTRY, isEntry } from '#scheduling/decisions/calendars/day-list.js';
import { instant, orNull, resourceName } from '../requests/shapes.js';

const ENTRIES_MAX = 1_000;
const DESCRIPTION_CHARACTERS_MAX = 500;
/** No entry is longer. */
const ENTRY_CHARACTERS_MAX = 21;

const entry = z
  .string()
  .max(ENTRY_CHARACTERS_MAX, `expected ${AN_ENTRY}`)
  .refine(isEntry, { error: `expected ${AN_ENTRY}` });

export const calendarInput = z.strictObject({
  name: resourceName.optional().describe('The name in the path.'),
  dates: z
    .array(entry)
    .max(ENTRIES_MAX)
    .describe('Dates (2026-12-25), ranges of dates (2026-12-28/2027-01-03) and days of each year (--12-25).'),
  description: orNull(z.string().min(1).max(DESCRIPTION_CHARACTERS_MAX)),
});
export type CalendarInput = z.output<typeof calendarInput>;

export const calendar = z
  .object({
    name: z.string(),
    dates: z.array(z.string()),
    description: z.string().nullable(),
    createdAt: instant,
    updatedAt: instant,
    revision: z.int(),
  })
  .meta({ id: 'Calendar' });

export function showCalendar({ name, dates, description, createdAt, updatedAt, revision }: Calendar) {
  return { name, dates, description, createdAt, updatedAt, revision };
}
