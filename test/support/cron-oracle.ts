// Test only. When is a cron expression due, found out the slow way? The oracle knows nothing of calendars,
// offsets or croner: it asks Intl what the wall shows at every single minute (or second) and looks at the
// numbers. Expressions are built together with their meaning, so that the oracle need not read them either.

const HOUR_MS = 3_600_000;

export interface Numbers {
  text: string;
  has: (value: number) => boolean;
  /** Spelt out one by one. As hours they name times of day; all others make a rhythm. */
  isFixed: boolean;
}

interface Day {
  year: number;
  /** From 1. */
  month: number;
  day: number;
}

export interface Days {
  text: string;
  has: (day: Day) => boolean;
}

export interface Meaning {
  second: Numbers;
  minute: Numbers;
  hour: Numbers;
  dayOfMonth: Days;
  month: Numbers;
  dayOfWeek: Days;
}

export const any: Numbers = { text: '*', has: () => true, isFixed: false };
export const one = (number: number): Numbers => ({
  text: `${number}`,
  has: (value) => value === number,
  isFixed: true,
});
export const list = (...numbers: number[]): Numbers => ({
  text: numbers.join(),
  has: (value) => numbers.includes(value),
  isFixed: true,
});
export const step = (by: number, min = 0): Numbers => ({
  text: `*/${by}`,
  has: (value) => (value - min) % by === 0,
  isFixed: false,
});
export const range = ({ from, to, by }: { from: number; to: number; by: number }): Numbers => ({
  text: by === 1 ? `${from}-${to}` : `${from}-${to}/${by}`,
  has: (value) => value >= from && value <= to && (value - from) % by === 0,
  isFixed: false,
});
export const either = (a: Numbers, b: Numbers): Numbers => ({
  text: `${a.text},${b.text}`,
  has: (value) => a.has(value) || b.has(value),
  isFixed: a.isFixed && b.isFixed,
});

const weekday = ({ year, month, day }: Day): number => new Date(Date.UTC(year, month - 1, day)).getUTCDay();
const daysOfMonth = ({ year, month }: Day): Day[] =>
  Array.from({ length: 31 }, (_, index) => ({ year, month, day: index + 1 })).filter(
    (day) => new Date(Date.UTC(year, month - 1, day.day)).getUTCMonth() === month - 1,
  );
const isWorkday = (day: Day): boolean => weekday(day) >= 1 && weekday(day) <= 5;
const sameWeekday = (day: Day): number[] =>
  daysOfMonth(day)
    .filter((other) => weekday(other) === weekday(day))
    .map((other) => other.day);

export const anyDay: Days = { text: '*', has: () => true };
export const daysOfMonthIn = ({ text, has }: Numbers): Days => ({ text, has: ({ day }) => has(day) });
export const daysOfWeekIn = ({ text, has }: Numbers): Days => ({ text, has: (day) => has(weekday(day)) });
export const lastDay: Days = { text: 'L', has: (day) => day.day === daysOfMonth(day).length };
export const beforeLastDay = (days: number): Days => ({
  text: `L-${days}`,
  has: (day) => day.day === daysOfMonth(day).length - days,
});
export const lastWorkday: Days = {
  text: 'LW',
  has: (day) => day.day === daysOfMonth(day).findLast(isWorkday)?.day,
};
export const nearestWorkday = (to: number): Days => ({
  text: `${to}W`,
  has: (day) => {
    const distance = (other: Day): number => Math.abs(other.day - to);
    const nearest = daysOfMonth(day)
      .filter(isWorkday)
      .reduce((best, next) => (distance(next) < distance(best) ? next : best));
    return to <= daysOfMonth(day).length && day.day === nearest.day;
  },
});
export const lastOf = (number: number): Days => ({
  text: `${number}L`,
  has: (day) => weekday(day) === number && sameWeekday(day).at(-1) === day.day,
});
export const nth = (number: number, ordinal: number): Days => ({
  text: `${number}#${ordinal}`,
  has: (day) => weekday(day) === number && sameWeekday(day)[ordinal - 1] === day.day,
});

export const everyMinute: Meaning = {
  second: one(0),
  minute: any,
  hour: any,
  dayOfMonth: anyDay,
  month: any,
  dayOfWeek: anyDay,
};
export const textOf = ({ second, minute, hour, dayOfMonth, month, dayOfWeek }: Meaning): string =>
  [second, minute, hour, dayOfMonth, month, dayOfWeek].map(({ text }) => text).join(' ');

function matches({ second, minute, hour, dayOfMonth, month, dayOfWeek }: Meaning, wallMs: number): boolean {
  // Asked millions of times: no Date before the time of day is right.
  const ofDay = Math.floor(wallMs / 1_000) % 86_400;
  if (!second.has(ofDay % 60) || !minute.has(Math.floor(ofDay / 60) % 60)) return false;
  if (!hour.has(Math.floor(ofDay / 3_600))) return false;
  const wall = new Date(wallMs);
  const day = { year: wall.getUTCFullYear(), month: wall.getUTCMonth() + 1, day: wall.getUTCDate() };
  if (!month.has(day.month)) return false;
  const both = dayOfMonth.text.startsWith('*') || dayOfWeek.text.startsWith('*');
  return both ? dayOfMonth.has(day) && dayOfWeek.has(day) : dayOfMonth.has(day) || dayOfWeek.has(day);
}

const formatters = new Map<string, Intl.DateTimeFormat>();
const numeric = 'numeric';

export function wallMs(timeZone: string, atMs: number): number {
  const known =
    formatters.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    });
  formatters.set(timeZone, known);
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = (
    known.format(atMs).match(/\d+/g) ?? []
  ).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

export interface Span {
  timeZone: string;
  fromMs: number;
  toMs: number;
  stepMs: number;
}

/** What the wall shows at every step of a span, beginning four hours early: long enough for a fold that is under way. */
export function watchWall(
  { timeZone, fromMs, toMs, stepMs }: Span,
  wallAt: (timeZone: string, atMs: number) => number = wallMs,
): { atMs: number; wallMs: number }[] {
  const startMs = fromMs - 4 * HOUR_MS;
  return Array.from({ length: (toMs - startMs) / stepMs + 1 }, (_, index) => {
    const atMs = startMs + index * stepMs;
    return { atMs, wallMs: wallAt(timeZone, atMs) };
  });
}

/** What is chosen for a time of day that the wall leaves out, and for one that it shows again. */
export interface Choice {
  gap: 'after' | 'skip';
  repeat: 'first' | 'both';
}

export function bruteForce(
  meaning: Meaning,
  watched: { atMs: number; wallMs: number }[],
  { fromMs, stepMs }: Span,
  { gap, repeat }: Choice = { gap: 'after', repeat: 'first' },
): string[] {
  const namesTimesOfDay = meaning.hour.isFixed;
  const due: string[] = [];
  let shownMs = watched[0]?.wallMs ?? 0;
  for (const { atMs, wallMs: nowShownMs } of watched) {
    const isNew = nowShownMs > shownMs;
    let isDue = (!namesTimesOfDay || isNew || repeat === 'both') && matches(meaning, nowShownMs);
    // All times that the wall jumps over have their turn now, at once.
    for (shownMs += stepMs; shownMs < nowShownMs; shownMs += stepMs)
      isDue ||= namesTimesOfDay && gap === 'after' && matches(meaning, shownMs);
    shownMs = isNew ? nowShownMs : shownMs - stepMs;
    if (isDue && atMs >= fromMs) due.push(new Date(atMs).toISOString());
  }
  return due;
}
