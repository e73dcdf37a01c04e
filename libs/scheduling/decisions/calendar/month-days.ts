// On which days of a month is an expression due? Each month is one number, with a bit for each of its days, so that the
// search for the next matching day compares no dates.
import type { CronFields } from '../cron-dialect.js';
import { bitsOf, fieldNumbers } from './field-numbers.js';

export interface Month {
  /** Its number of days. */
  days: number;
  /** Of its first day: 0 is Sunday. */
  weekday: number;
}

/** Bit n is day n. */
export type MonthDays = (month: Month) => number;

const SATURDAY = 6;
const DAYS_MAX = 31;

export function monthDays({ expression, requiresBothDays }: CronFields): MonthDays {
  const [, , , dayOfMonth = '', , dayOfWeek = ''] = expression.split(' ');
  const ofMonth = daysOfMonth(dayOfMonth);
  const ofWeek = daysOfWeek(dayOfWeek);
  return (month) => {
    const [a, b] = [ofMonth(month), ofWeek(month)];
    return (requiresBothDays ? a & b : a | b) & daysThrough(month.days);
  };
}

function daysOfMonth(field: string): MonthDays {
  const plain = bitsOf(fieldNumbers(field, { min: 1, max: DAYS_MAX }));
  if (!/[LW]/.test(field)) return () => plain;
  const special = field.split(',').flatMap((item): MonthDays[] => {
    if (item === 'L') return [({ days }) => 1 << days];
    const before = /^L-(\d+)$/.exec(item)?.[1];
    if (before !== undefined)
      return [({ days }) => (Number(before) < days ? 1 << (days - Number(before)) : 0)];
    if (item === 'LW') return [(month) => 1 << nearestWorkday(month, month.days)];
    const day = /^(\d+)W$/.exec(item)?.[1];
    if (day === undefined) return [];
    return [(month) => (Number(day) > month.days ? 0 : 1 << nearestWorkday(month, Number(day)))];
  });
  return (month) => special.reduce((bits, days) => bits | days(month), plain);
}

/** Monday to Friday, within the month. */
function nearestWorkday(month: Month, day: number): number {
  const weekday = (month.weekday + day - 1) % 7;
  if (weekday === SATURDAY) return day === 1 ? 3 : day - 1;
  if (weekday === 0) return day === month.days ? day - 2 : day + 1;
  return day;
}

function daysOfWeek(field: string): MonthDays {
  const week = bitsOf(fieldNumbers(field, { min: 0, max: SATURDAY }).map((number) => number % 7));
  const plain: MonthDays = ({ weekday }) => {
    // Bit 0 is the weekday of the first; the weeks of the month follow each other from bit 1 on.
    const turned = ((week >> weekday) | (week << (7 - weekday))) & 127;
    return (turned << 1) | (turned << 8) | (turned << 15) | (turned << 22) | (turned << 29);
  };
  if (!/[L#]/.test(field)) return plain;
  const special = field.split(',').flatMap((item): MonthDays[] => {
    const [, number, ordinal] = /^(\d)(?:L|#(\d))$/.exec(item) ?? [];
    if (number === undefined) return [];
    const firstOf = ({ weekday }: Month): number => ((Number(number) - weekday + 7) % 7) + 1;
    if (ordinal !== undefined) return [(month) => dayBit(firstOf(month) + (Number(ordinal) - 1) * 7)];
    return [(month) => 1 << (firstOf(month) + Math.floor((month.days - firstOf(month)) / 7) * 7)];
  });
  return (month) => special.reduce((bits, days) => bits | days(month), plain(month));
}

/** A fifth Sunday may be the 35th, whose bit would be taken for another day's. */
function dayBit(day: number): number {
  return day > DAYS_MAX ? 0 : 1 << day;
}

function daysThrough(last: number): number {
  return -1 >>> (31 - last);
}
