// When is a cron expression due next? calendar/calendar.ts counts without time zones; how wall times become instants is
// decided here, by two rules:
//
// - Fixed hours (a number or a list of numbers in the hour field) name times of day. Each is due once for
//   each day the calendar names, when the wall clock first shows it or a later time: at the end of the gap
//   that leaves it out, at the first of two times that it is shown. What comes together at the end of a gap
//   is due once: on such a day the times of `0,30 2 * * *` are one, and those of `0 2,3 * * *` too. A schedule may choose
//   otherwise (ClockChanges): not at all where the wall clock leaves the time out, or both times where it is shown twice.
// - Any other hour field (`*`, a step, a range, or a list with one of them) makes a rhythm, due whenever the
//   wall clock shows a matching time: not in a gap, and in both of two equal hours. So `*/30 * * * *` and
//   `0 * * * *` follow elapsed time. Where a zone shifts by half an hour (Lord Howe), two full hours are 90
//   or 30 minutes apart.
import { boundedMemo } from './bounded-memo.js';
import { calendarOf, type NextWallMs } from './calendar/calendar.js';
import { readCron } from './cron-dialect.js';
import { firstShownMs, latestShownMs, offsetChange, offsetMs } from './wall-clock.js';

/** What becomes of a time of day that the wall clock leaves out, and of one that it shows twice. */
export interface ClockChanges {
  gap: 'after' | 'skip';
  repeat: 'first' | 'both';
}

export const DEFAULT_CLOCK_CHANGES: ClockChanges = { gap: 'after', repeat: 'first' };

export interface CronSpec {
  expression: string;
  timeZone: string;
  /** Of fixed hours only. */
  clockChanges?: ClockChanges;
}

/** Nothing is due outside these years: before them zones kept local mean time, and the calendar ends with them. */
const YEARS_FROM_MS = Date.UTC(1970, 0, 1);
const YEARS_TO_MS = Date.UTC(3000, 0, 1);

/** So far a search looks for changes at once. */
const STRETCH_MS = 2 * 86_400_000;

/** Long enough for a rhythm that lies in a gap 60 years in a row. Giving up takes 15 ms. */
const STRETCHES_MAX = 200;

/** Strictly after the instant, or null if there is nothing more. Throws RangeError on an invalid expression or zone. */
export function nextCronTime({ expression, timeZone, clockChanges }: CronSpec, after: Date): Date | null {
  const afterMs = Math.max(after.getTime(), YEARS_FROM_MS - 1);
  if (afterMs >= YEARS_TO_MS) return null;
  const calendar = compile(expression);
  const place = { timeZone, afterMs };
  const nextMs = calendar.namesTimesOfDay
    ? nextTimeOfDay(calendar, place, clockChanges ?? DEFAULT_CLOCK_CHANGES)
    : nextBeat(calendar, place);
  return nextMs === null || nextMs >= YEARS_TO_MS ? null : new Date(nextMs);
}

interface Calendar {
  namesTimesOfDay: boolean;
  nextWallMs: NextWallMs;
}

/** Each takes about a kilobyte. */
const CALENDARS_MAX = 5_000;

const compile = boundedMemo(CALENDARS_MAX, (text: string): Calendar => {
  const reading = readCron(text);
  if (!reading.ok)
    throw new RangeError(`expected ${reading.expected}, got ${reading.got} in the cron expression "${text}"`);
  const { namesTimesOfDay } = reading.fields;
  return { namesTimesOfDay, nextWallMs: calendarOf(reading.fields) };
});

interface Place {
  timeZone: string;
  afterMs: number;
}

function nextTimeOfDay(calendar: Calendar, place: Place, { gap, repeat }: ClockChanges): number | null {
  const firstMs = nextFirstTime(calendar, place, gap);
  if (repeat === 'first') return firstMs;
  // Whenever the wall shows a matching time is the first time or the second, and only an end of a gap is neither.
  const shownMs = nextBeat(calendar, place, firstMs ?? undefined);
  return firstMs === null || shownMs === null ? (firstMs ?? shownMs) : Math.min(firstMs, shownMs);
}

function nextFirstTime(
  { nextWallMs }: Calendar,
  { timeZone, afterMs }: Place,
  gap: ClockChanges['gap'],
): number | null {
  // All wall times up to the latest shown have had their turn, and no others: one step leads over any gap or fold.
  let pastMs = latestShownMs(timeZone, afterMs);
  for (let stretch = 0; stretch < STRETCHES_MAX; stretch += 1) {
    const wallMs = nextWallMs(pastMs);
    if (wallMs === null) return null;
    const atMs = firstShownMs(timeZone, wallMs);
    if (gap === 'after') return atMs;
    const shownMs = atMs + offsetMs(timeZone, atMs);
    if (shownMs === wallMs) return atMs;
    // The time at the end of the gap has not been checked yet.
    pastMs = shownMs - 1;
  }
  return null;
}

/** The search ends without a result once it has come as far as `untilMs`. */
function nextBeat(
  { nextWallMs }: Calendar,
  { timeZone, afterMs }: Place,
  untilMs = Number.POSITIVE_INFINITY,
): number | null {
  // Everything up to fromMs is settled, and the wall has shown wallMs or, after a fold, will show what follows it.
  let fromMs = afterMs;
  let offset = offsetMs(timeZone, fromMs);
  let wallMs = fromMs + offset;
  for (let stretch = 0; stretch < STRETCHES_MAX && fromMs < untilMs; stretch += 1) {
    const nextMs = nextWallMs(wallMs);
    if (nextMs === null) return null;
    const dueMs = nextMs - offset;
    const reachMs = Math.min(dueMs, fromMs + STRETCH_MS);
    const changeMs = offsetChange(timeZone, { afterMs: fromMs, throughMs: reachMs });
    if (changeMs === null && reachMs === dueMs) return dueMs;
    // No wall time between here and the next matching one can match: go on two days before that, clear of any change.
    fromMs = changeMs ?? Math.max(reachMs, dueMs - STRETCH_MS);
    offset = offsetMs(timeZone, fromMs);
    // The instant of a change has not been checked yet, and the calendar answers with times strictly after.
    wallMs = fromMs + offset - (changeMs === null ? 0 : 1);
  }
  return null;
}
