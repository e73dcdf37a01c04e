// Which due times of a schedule remain, if calendars leave days out? Those whose date, on the wall clock of the
// schedule's zone, lies in one of the calendars that it includes, if there are any, and in none of those that it
// excludes. A day that is left out is never walked through: the search goes on where the next day begins that is not.
import type { NextDue } from '../kinds/any-of.js';
import { offsetChange, offsetMs } from '../wall-clock.js';
import { DAY_MS, endOfStretch, firstDayFrom, readDays, type DayList } from './day-list.js';

/** The calendars of one side, with their days as they were when the spec was written. */
export interface CalendarDays {
  names: readonly string[];
  /** In the order of the names: of which revision of its dates the days of each are. */
  revisions: readonly number[];
  /** Of all together (joinedDays). */
  days: string;
}

/** At least one of the two. */
export interface Calendars {
  exclude?: CalendarDays;
  include?: CalendarDays;
}

/** The search is given up after so many due times in a row on days that are left out, or behind so long a time of them. */
const CLOSED_MAX = 100;
/** A rare rule takes milliseconds for each due time, and its due times are years apart. */
const CLOSED_MS_MAX = 40 * 366 * DAY_MS;
/** For the same reason: stretches of days that are in one list and out of the other. */
const STRETCHES_MAX = 10_000;

/** The same without the due times of days that are left out. */
export function onOpenDays(
  next: NextDue,
  { calendars, zone }: { calendars: Calendars; zone: string },
): NextDue {
  const firstOpen = firstOpenOf(calendars);
  return (after) => {
    let from = after;
    for (let closed = 0; closed < CLOSED_MAX && +from - +after < CLOSED_MS_MAX; closed += 1) {
      const dueAt = next(from);
      if (dueAt === null) return null;
      const opensMs = firstOpenMs(zone, firstOpen, dueAt.getTime());
      if (opensMs === null || opensMs === dueAt.getTime()) return opensMs === null ? null : dueAt;
      from = new Date(opensMs - 1);
    }
    return null;
  };
}

type FirstOpen = (day: number) => number | null;

/** The first day from this one on that is not left out; null when none is found. */
function firstOpenOf({ include, exclude }: Calendars): FirstOpen {
  const [included, excluded] = [include, exclude].map(
    (side): DayList | undefined => side && readDays(side.days),
  );
  return (day) => {
    let open: number | null = day;
    for (let stretch = 0; stretch < STRETCHES_MAX; stretch += 1) {
      if (included) open = firstDayFrom(included, open);
      const end: number | null = open !== null && excluded ? endOfStretch(excluded, open) : null;
      if (open === null || end === null) return open;
      open = end + 1;
    }
    return null;
  };
}

/**
 * The first instant from this one on at which the zone's clock shows a day that is not left out. From one change of the
 * clock to the next its days follow one another; a change may show a day again that had passed.
 */
function firstOpenMs(zone: string, firstOpen: FirstOpen, fromMs: number): number | null {
  for (let atMs = fromMs; ;) {
    const offset = offsetMs(zone, atMs);
    const day = firstOpen(Math.floor((atMs + offset) / DAY_MS));
    const shownMs = day === null ? Number.POSITIVE_INFINITY : Math.max(atMs, day * DAY_MS - offset);
    const nearMs = atMs + 2 * DAY_MS;
    const changeMs = offsetChange(zone, { afterMs: atMs, throughMs: Math.min(shownMs, nearMs) });
    if (changeMs !== null) atMs = changeMs;
    else if (shownMs <= nearMs) return shownMs;
    else if (day === null) return null;
    // No zone is a day away from UTC, and no change shows a day again that is further back.
    else atMs = Math.max(nearMs, (day - 2) * DAY_MS);
  }
}
