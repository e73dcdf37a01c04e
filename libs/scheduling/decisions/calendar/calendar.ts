// Which wall time matches an expression next? A calendar without time zones: wall times are written as if they were UTC,
// in milliseconds since 1970. It looks for the next day by the bits of its month (month-days.ts), and for the time of that
// day in a table of the next matching hour, minute and second. A calendar of our own, because due times are what Carillon is
// for: croner takes 500 µs to compile an expression and 6 for each answer, this one 10 and one. It answers as croner does;
// calendar.spec compares the two.
import type { CronFields } from '../cron-dialect.js';
import { fieldNumbers } from './field-numbers.js';
import { monthDays, type MonthDays } from './month-days.js';

/** The next matching wall time strictly after one, null if there is none until the end of 2999. */
export type NextWallMs = (wallMs: number) => number | null;

/** The calendar repeats after 400 years, so what is not due by then never is. */
const LAST_YEAR = 2999;

const SECOND_MS = 1_000;
const DAY_SECONDS = 86_400;
const NONE = 255;

interface Fields {
  /** The least matching number from each number on, NONE behind the last. */
  hour: Uint8Array;
  minute: Uint8Array;
  second: Uint8Array;
  /** From 0 to 11. */
  isMonth: readonly boolean[];
  daysIn: MonthDays;
}

export function calendarOf(fields: CronFields): NextWallMs {
  const [second = '', minute = '', hour = '', , month = ''] = fields.expression.split(' ');
  const months = fieldNumbers(month, { min: 1, max: 12 });
  const read: Fields = {
    hour: nextTable(hour, 23),
    minute: nextTable(minute, 59),
    second: nextTable(second, 59),
    isMonth: Array.from({ length: 12 }, (_, index) => months.includes(index + 1)),
    daysIn: monthDays(fields),
  };
  return (wallMs) => nextWall(read, Math.floor(wallMs / SECOND_MS) + 1);
}

function nextTable(field: string, max: number): Uint8Array {
  const table = new Uint8Array(max + 1).fill(NONE);
  for (const number of fieldNumbers(field, { min: 0, max })) table[number] = number;
  for (let number = max - 1; number >= 0; number -= 1)
    if (table[number] === NONE) table[number] = at(table, number + 1);
  return table;
}

/** Behind the end of a table nothing matches. */
function at(table: Uint8Array, index: number): number {
  return table[index] ?? NONE;
}

/** From this second on. */
function nextWall(fields: Fields, fromSecond: number): number | null {
  const today = Math.floor(fromSecond / DAY_SECONDS);
  const date = dateOf(today);
  let { year, month } = date;
  // Behind this day of the month.
  let past = date.day;
  let firstOfMonth = today - date.day + 1;
  let isThisMonth = true;
  while (year <= LAST_YEAR) {
    const length = daysInMonth(year, month);
    if (fields.isMonth[month] === true) {
      const days = fields.daysIn({ days: length, weekday: (((firstOfMonth + 4) % 7) + 7) % 7 });
      if (isThisMonth && (days & (1 << date.day)) !== 0) {
        const time = nextTime(fields, fromSecond - today * DAY_SECONDS);
        if (time !== null) return (today * DAY_SECONDS + time) * SECOND_MS;
      }
      const later = past >= 31 ? 0 : days & (-1 << (past + 1));
      if (later !== 0) {
        const day = 31 - Math.clz32(later & -later);
        return ((firstOfMonth + day - 1) * DAY_SECONDS + (nextTime(fields, 0) ?? 0)) * SECOND_MS;
      }
    }
    isThisMonth = false;
    past = 0;
    firstOfMonth += length;
    month += 1;
    if (month < 12) continue;
    month = 0;
    year += 1;
  }
  return null;
}

/** The first matching second of a day from this one on. */
function nextTime({ hour: hours, minute: minutes, second: seconds }: Fields, from: number): number | null {
  const h = Math.floor(from / 3_600);
  const hour = at(hours, h);
  if (hour === NONE) return null;
  const [firstMinute, firstSecond] = [at(minutes, 0), at(seconds, 0)];
  if (hour === h) {
    const m = Math.floor(from / 60) % 60;
    const minute = at(minutes, m);
    const second = minute === m ? at(seconds, from % 60) : firstSecond;
    if (minute !== NONE && second !== NONE) return hour * 3_600 + minute * 60 + second;
    const next = minute === NONE ? NONE : at(minutes, m + 1);
    if (next !== NONE) return hour * 3_600 + next * 60 + firstSecond;
    const later = at(hours, h + 1);
    return later === NONE ? null : later * 3_600 + firstMinute * 60 + firstSecond;
  }
  return hour * 3_600 + firstMinute * 60 + firstSecond;
}

/** The month counts from 0. */
function daysInMonth(year: number, month: number): number {
  if (month === 1) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 3 || month === 5 || month === 8 || month === 10 ? 30 : 31;
}

/** Counted in years from March, so that the leap day is a year's last; all days since 1970 are positive here. */
function dateOf(day: number): { year: number; month: number; day: number } {
  const sinceMarch0 = day + 719_468;
  const era = Math.floor(sinceMarch0 / 146_097);
  const ofEra = sinceMarch0 - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1_460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 2 : fromMarch - 10;
  return {
    year: yearOfEra + era * 400 + (month < 2 ? 1 : 0),
    month,
    day: ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
  };
}
