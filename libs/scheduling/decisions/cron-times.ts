// When is a cron expression due next? croner counts on a calendar without time zones; how wall times become
// instants is decided here, by two rules:
//
// - Fixed hours (a number or a list of numbers in the hour field) name times of day. Each is due once for
//   each day the calendar names, when the wall clock first shows it or a later time: at the end of the gap
//   that leaves it out, at the first of two times that it is shown. What comes together at the end of a gap
//   is due once: on such a day the times of `0,30 2 * * *` are one, and those of `0 2,3 * * *` too.
// - Any other hour field (`*`, a step, a range, or a list with one of them) makes a rhythm, due whenever the
//   wall clock shows a matching time: not in a gap, and in both of two equal hours. So `*/30 * * * *` and
//   `0 * * * *` follow elapsed time. Where a zone shifts by half an hour (Lord Howe), two full hours are 90
//   or 30 minutes apart.
//
// croner 11.0.1 has rules for zones of its own. It is not asked, because it takes `0 2,14 * * *` for a rhythm,
// loses a time of day whose gap ends on the next day (23:30 in Nuuk on 2024-03-30), walks through a gap second
// by second, and searches to the year 3000 for a rhythm that lies in a gap every year, which takes seconds.
import { Cron } from 'croner';
import { boundedMemo } from './bounded-memo.js';
import { readCron } from './cron-dialect.js';
import { firstShownMs, latestShownMs, offsetChange, offsetMs } from './wall-clock.js';

export interface CronSpec {
  expression: string;
  timeZone: string;
}

/** Nothing is due outside these years: before them zones kept local mean time, after them croner stops. */
const YEARS_FROM_MS = Date.UTC(1970, 0, 1);
const YEARS_TO_MS = Date.UTC(2999, 11, 1);

/** A week could hide two changes that cancel out (America/Boa_Vista in October 2000); two days can't. */
const STRETCH_MS = 2 * 86_400_000;

/** Long enough for a rhythm that lies in a gap 60 years in a row. Giving up takes 6 ms. */
const STRETCHES_MAX = 200;

/** Strictly after the instant, or null if there is nothing more. Throws RangeError on an invalid expression or zone. */
export function nextCronTime({ expression, timeZone }: CronSpec, after: Date): Date | null {
  const afterMs = Math.max(after.getTime(), YEARS_FROM_MS - 1);
  if (afterMs >= YEARS_TO_MS) return null;
  const nextMs = nextCronMs(JSON.stringify([afterMs, timeZone, expression]));
  return nextMs === null ? null : new Date(nextMs);
}

/**
 * Crowds are due at one instant by a few expressions, and asking Intl for an offset takes longer than everything else.
 */
const ANSWERS_MAX = 5_000;

const nextCronMs = boundedMemo(ANSWERS_MAX, (question: string): number | null => {
  const [afterMs, timeZone, expression] = JSON.parse(question) as [number, string, string]; // as it was asked
  const calendar = compile(expression);
  return calendar.namesTimesOfDay
    ? nextTimeOfDay(calendar, timeZone, afterMs)
    : nextBeat(calendar, timeZone, afterMs);
});

interface Calendar {
  namesTimesOfDay: boolean;
  /** The next matching wall time strictly after one. */
  nextWallMs: (wallMs: number) => number | null;
}

/**
 * At 80 KB for each compiled expression (croner keeps an array of 10,000 years) these are 16 MB. Keeping more
 * was slower: compiling anew takes 20 µs, while the collector copies every kept one.
 */
const CALENDARS_MAX = 200;

const compile = boundedMemo(CALENDARS_MAX, (text: string): Calendar => {
  const reading = readCron(text);
  if (!reading.ok)
    throw new RangeError(`expected ${reading.expected}, got ${reading.got} in the cron expression "${text}"`);
  const { expression, requiresBothDays, namesTimesOfDay } = reading.fields;
  const cron = new Cron(expression, { mode: '6-part', utcOffset: 0, domAndDow: requiresBothDays });
  return { namesTimesOfDay, nextWallMs: (wallMs) => cron.nextRun(new Date(wallMs))?.getTime() ?? null };
});

function nextTimeOfDay({ nextWallMs }: Calendar, timeZone: string, afterMs: number): number | null {
  // All wall times up to the latest shown have had their turn, and no others: one step leads over any gap or fold.
  const wallMs = nextWallMs(latestShownMs(timeZone, afterMs));
  return wallMs === null ? null : firstShownMs(timeZone, wallMs);
}

function nextBeat({ nextWallMs }: Calendar, timeZone: string, afterMs: number): number | null {
  // Everything up to fromMs is settled, and the wall has shown wallMs or, after a fold, will show what follows it.
  let fromMs = afterMs;
  let offset = offsetMs(timeZone, fromMs);
  let wallMs = fromMs + offset;
  for (let stretch = 0; stretch < STRETCHES_MAX; stretch += 1) {
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
