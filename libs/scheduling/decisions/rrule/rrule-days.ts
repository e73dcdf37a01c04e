// Which days does an RRULE name in one of its periods, which are days, weeks, months or years? Periods are numbered from
// the one in which the rule begins, so the one that an instant lies in is found by a division, however far it is. Days are
// numbered from 1970-01-01, on the calendar of the wall clock.
import type { Rrule } from './rrule-text.js';

export const DAY_MS = 86_400_000;

/** With what the RFC takes from the rule's beginning where the rule does not say it. */
export interface AnchoredRule extends Rrule {
  beginsOn: CalendarDay;
}

export interface CalendarDay {
  /** From 1970-01-01, 0. */
  number: number;
  year: number;
  /** From 1. */
  month: number;
  day: number;
  /** From Sunday, 0. */
  weekday: number;
}

export function calendarDay(number: number): CalendarDay {
  const date = new Date(number * DAY_MS);
  return {
    number,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
  };
}

export function anchoredRule(rule: Rrule, beginsOn: CalendarDay): AnchoredRule {
  const { months, monthDays, yearDays, weekdays, frequency } = rule;
  const anchored = { ...rule, beginsOn };
  if ((monthDays ?? yearDays ?? weekdays) !== null || frequency === 'DAILY') return anchored;
  if (frequency === 'WEEKLY') return { ...anchored, weekdays: [{ day: beginsOn.weekday, nth: null }] };
  const inMonths = frequency === 'YEARLY' ? (months ?? [beginsOn.month]) : months;
  return { ...anchored, months: inMonths, monthDays: [beginsOn.day] };
}

/** The number of the last period that begins on that day or before it. */
export function periodOf(rule: AnchoredRule, { number, year, month }: CalendarDay): number {
  const { frequency, interval, beginsOn } = rule;
  const passed = {
    DAILY: number - beginsOn.number,
    WEEKLY: (weekBegin(rule, number) - weekBegin(rule, beginsOn.number)) / 7,
    MONTHLY: monthIndex(year, month) - monthIndex(beginsOn.year, beginsOn.month),
    YEARLY: year - beginsOn.year,
  }[frequency];
  return Math.max(0, Math.floor(passed / interval));
}

/** The first day of a period. */
export function periodBegin(rule: AnchoredRule, period: number): number {
  const { frequency, interval, beginsOn } = rule;
  const steps = period * interval;
  switch (frequency) {
    case 'DAILY':
      return beginsOn.number + steps;
    case 'WEEKLY':
      return weekBegin(rule, beginsOn.number) + 7 * steps;
    case 'MONTHLY':
      return monthBegin(monthIndex(beginsOn.year, beginsOn.month) + steps);
    case 'YEARLY':
      return monthBegin(monthIndex(beginsOn.year + steps, 1));
  }
}

/** In order. `looked` counts the days that were looked at. */
export function daysOf(rule: AnchoredRule, period: number): { days: number[]; looked: number } {
  const begin = periodBegin(rule, period);
  const candidates = candidatesOf(rule, begin);
  return { days: candidates.filter((number) => fits(rule, number)), looked: candidates.length };
}

function candidatesOf(rule: AnchoredRule, begin: number): number[] {
  switch (rule.frequency) {
    case 'DAILY':
      return [begin];
    case 'WEEKLY':
      return Array.from({ length: 7 }, (_, index) => begin + index);
    case 'MONTHLY': {
      const { year, month } = calendarDay(begin);
      const isNamed = rule.months?.includes(month) ?? true;
      return isNamed ? daysOfMonth(rule, monthIndex(year, month)) : [];
    }
    case 'YEARLY': {
      const { year } = calendarDay(begin);
      if (rule.months === null && rule.monthDays === null && rule.yearDays !== null)
        return namedDays(rule.yearDays, { begin, end: monthBegin(monthIndex(year + 1, 1)) });
      const months = rule.months ?? Array.from({ length: 12 }, (_, index) => index + 1);
      return months.flatMap((month) => daysOfMonth(rule, monthIndex(year, month)));
    }
  }
}

/** Those that BYMONTHDAY names, in order, each once; all where it names none. */
function daysOfMonth({ monthDays }: AnchoredRule, index: number): number[] {
  const begin = monthBegin(index);
  const end = monthBegin(index + 1);
  if (monthDays === null) return Array.from({ length: end - begin }, (_, day) => begin + day);
  return namedDays(monthDays, { begin, end });
}

/** Counted from the beginning, or from the end, below 0. */
function namedDays(days: readonly number[], { begin, end }: { begin: number; end: number }): number[] {
  const found = days
    .map((day) => (day > 0 ? begin + day - 1 : end + day))
    .filter((number) => number >= begin && number < end);
  return [...new Set(found)].toSorted((a, b) => a - b);
}

function fits(rule: AnchoredRule, number: number): boolean {
  const { frequency, months, monthDays, yearDays, weekdays } = rule;
  const { year, month, day, weekday } = calendarDay(number);
  if (months !== null && !months.includes(month)) return false;
  if (frequency === 'DAILY' && monthDays !== null) {
    const fromEnd = (): number => number - monthBegin(monthIndex(year, month) + 1);
    if (!monthDays.includes(day) && !(Number(monthDays[0]) < 0 && monthDays.includes(fromEnd())))
      return false;
  }
  if (yearDays !== null) {
    const [from, to] = [monthBegin(monthIndex(year, 1)), monthBegin(monthIndex(year + 1, 1))];
    if (!yearDays.includes(number - from + 1) && !yearDays.includes(number - to)) return false;
  }
  if (weekdays === null) return true;
  const named = weekdays.filter((one) => one.day === weekday);
  if (named.length === 0 || named.some(({ nth }) => nth === null)) return named.length > 0;
  const places = placesOf(rule, { number, year, month });
  return named.some(({ nth }) => nth !== null && places.includes(nth));
}

/** Which of its weekday the day is, from the beginning of the month or the year and from its end. */
function placesOf(
  { frequency, months }: AnchoredRule,
  { number, year, month }: Pick<CalendarDay, 'number' | 'year' | 'month'>,
): [number, number] {
  // In a year without named months the second Tuesday is the year's.
  const isOfYear = frequency === 'YEARLY' && months === null;
  const first = isOfYear ? monthIndex(year, 1) : monthIndex(year, month);
  const [from, to] = [monthBegin(first), monthBegin(first + (isOfYear ? 12 : 1))];
  return [Math.floor((number - from) / 7) + 1, -(Math.floor((to - 1 - number) / 7) + 1)];
}

const monthIndex = (year: number, month: number): number => year * 12 + month - 1;

function monthBegin(index: number): number {
  // Not Date.UTC, which takes the years below 100 for those of the 20th century.
  return new Date(0).setUTCFullYear(Math.floor(index / 12), ((index % 12) + 12) % 12, 1) / DAY_MS;
}

/** 1970-01-01 was a Thursday. */
const weekBegin = ({ weekStart }: Rrule, number: number): number =>
  number - ((((number + 4 - weekStart) % 7) + 7) % 7);
