// Which days does a calendar name? Single dates, ranges of dates, and days of each year (ISO 8601, the last as vCard writes
// them). A schedule's spec has those of all its calendars as one text, in order and joined where they touch; it is read
// once, and then a day is found by halving.
import { boundedMemo } from '../bounded-memo.js';

/** Days are counted from 1970. */
export interface DayList {
  /** In order, none touches another. Both ends are included. */
  readonly ranges: readonly DayRange[];
  /** In order, as 100 × month + day. */
  readonly yearly: readonly number[];
}

interface DayRange {
  readonly from: number;
  readonly to: number;
}

type Entry = DayRange | number;

export const DAY_MS = 86_400_000;
const RANGE_DAYS_MAX = 366;
const LISTS_MAX = 200;
/** Between two days of 29 February. */
const YEARS_MAX = 8;

export const AN_ENTRY = `a date like 2026-12-25, a range of at most ${RANGE_DAYS_MAX} days like 2026-12-28/2027-01-03, or a day of each year like --12-25`;

/** Whether the text names a day or days that exist. */
export function isEntry(text: string): boolean {
  const entry = readEntry(text);
  return entry !== null && (typeof entry === 'number' || entry.to - entry.from < RANGE_DAYS_MAX);
}

/** The days of these entries as one text: the same days make the same text. Throws on one that names none. */
export function joinedDays(entries: readonly string[]): string {
  const read = entries.map(requireEntry);
  const yearly = [...new Set(read.filter((entry) => typeof entry === 'number'))].toSorted((a, b) => a - b);
  const ranges = merged(read.filter((entry) => typeof entry !== 'number'));
  return [...ranges.map(rangeText), ...yearly.map(yearlyText)].join(',');
}

/** Throws on a text that `joinedDays` has not made. */
export const readDays = boundedMemo(LISTS_MAX, (text): DayList => {
  const read = text === '' ? [] : text.split(',').map(requireEntry);
  return {
    ranges: merged(read.filter((entry) => typeof entry !== 'number')),
    yearly: read.filter((entry) => typeof entry === 'number').toSorted((a, b) => a - b),
  };
});

/** The last day of the stretch of the list that the day lies in; null for a day that is not in it. */
export function endOfStretch({ ranges, yearly }: DayList, day: number): number | null {
  const range = ranges[firstNotBefore(ranges, day)];
  if (range !== undefined && range.from <= day) return range.to;
  return yearly.includes(monthAndDay(day)) ? day : null;
}

/** The first day of the list from this one on; null if there is none. */
export function firstDayFrom({ ranges, yearly }: DayList, day: number): number | null {
  const range = ranges[firstNotBefore(ranges, day)];
  const inRange = range === undefined ? null : Math.max(range.from, day);
  const inYear = yearlyFrom(yearly, day);
  if (inRange === null || inYear === null) return inRange ?? inYear;
  return Math.min(inRange, inYear);
}

/** The first that ends on this day or later. */
function firstNotBefore(ranges: readonly DayRange[], day: number): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((ranges[middle]?.to ?? day) < day) low = middle + 1;
    else high = middle;
  }
  return low;
}

function yearlyFrom(yearly: readonly number[], day: number): number | null {
  if (yearly.length === 0) return null;
  const year = new Date(day * DAY_MS).getUTCFullYear();
  for (let ahead = 0; ahead <= YEARS_MAX; ahead += 1) {
    for (const each of yearly) {
      const found = dayOf(year + ahead, Math.floor(each / 100), each % 100);
      if (found !== null && found >= day) return found;
    }
  }
  return null;
}

function monthAndDay(day: number): number {
  const date = new Date(day * DAY_MS);
  return (date.getUTCMonth() + 1) * 100 + date.getUTCDate();
}

/** Null for a day that the month does not have. */
function dayOf(year: number, month: number, dayOfMonth: number): number | null {
  const day = Date.UTC(year, month - 1, dayOfMonth) / DAY_MS;
  return month >= 1 && month <= 12 && monthAndDay(day) === month * 100 + dayOfMonth ? day : null;
}

function requireEntry(text: string): Entry {
  const entry = readEntry(text);
  if (entry === null) throw new RangeError(`expected ${AN_ENTRY}, got ${JSON.stringify(text)}`);
  return entry;
}

/** Of any length, since ranges that touch are joined. */
function readEntry(text: string): Entry | null {
  const [, month, dayOfMonth] = /^--(\d\d)-(\d\d)$/.exec(text) ?? [];
  // A leap year has each day that a year may have.
  if (month !== undefined && dayOfMonth !== undefined)
    return dayOf(2024, Number(month), Number(dayOfMonth)) === null
      ? null
      : Number(month) * 100 + Number(dayOfMonth);
  const [first = '', last = first, ...others] = text.split('/');
  const [from, to] = [readDate(first), readDate(last)];
  return others.length > 0 || from === null || to === null || from > to ? null : { from, to };
}

function readDate(text: string): number | null {
  const [, year, month, dayOfMonth] = /^([1-9]\d{3})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  return dayOf(Number(year), Number(month), Number(dayOfMonth));
}

function merged(ranges: readonly DayRange[]): DayRange[] {
  const joined: DayRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last === undefined || range.from > last.to + 1) joined.push(range);
    else joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
  }
  return joined;
}

function rangeText({ from, to }: DayRange): string {
  const [first, last] = [from, to].map((day) => new Date(day * DAY_MS).toISOString().slice(0, 10));
  return from === to ? `${first}` : `${first}/${last}`;
}

function yearlyText(monthAndDayOf: number): string {
  const digits = String(monthAndDayOf).padStart(4, '0');
  return `--${digits.slice(0, 2)}-${digits.slice(2)}`;
}
