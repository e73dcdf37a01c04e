// When is an RRULE due next? Its period is found by a division, the days in it by rrule-days.ts, and the times of day by
// their place in the list, so that no rule is walked through from its beginning and no set is written out. At clock
// changes it is due as the fixed hours of cron are: once for each day, at the end of a gap that leaves the time out, and
// the first of two times that it is shown. The RFC passes over the first; a nightly job must not be lost once a year.
import { boundedMemo } from '../bounded-memo.js';
import { firstShownMs, latestShownMs, offsetMs } from '../wall-clock.js';
import {
  anchoredRule,
  calendarDay,
  DAY_MS,
  daysOf,
  periodBegin,
  periodOf,
  type AnchoredRule,
} from './rrule-days.js';
import { readRrule } from './rrule-text.js';

export interface RruleSpec {
  rule: string;
  timeZone: string;
  /** Nothing is due before it, and periods are counted from it. */
  anchorAt: Date;
}

/** As of cron: nothing is due outside these years. */
const YEARS_FROM_MS = Date.UTC(1970, 0, 1);
const YEARS_TO_MS = Date.UTC(2999, 11, 1);

/**
 * A rule is given up after so many days and periods, some 5 ms: of a yearly one that names neither months nor days of
 * them these are eleven years. A 29 February that is a Monday, each third year, takes less than a tenth of them.
 */
const LOOKED_MAX = 4_000;

const RULES_MAX = 1_000;

/** Strictly after the instant, or null if there is nothing more. Throws RangeError on an invalid rule or zone. */
export function nextRruleTime({ rule, timeZone, anchorAt }: RruleSpec, after: Date): Date | null {
  const afterMs = Math.max(after.getTime(), YEARS_FROM_MS - 1);
  const nextMs = nextRruleMs({ rule, timeZone, anchorMs: anchorAt.getTime() }, afterMs);
  return nextMs === null ? null : new Date(nextMs);
}

function nextRruleMs(
  { rule, timeZone, anchorMs }: { rule: string; timeZone: string; anchorMs: number },
  afterMs: number,
): number | null {
  const beginMs = anchorMs + offsetMs(timeZone, anchorMs);
  const times = timesOf(JSON.stringify([rule, beginMs]));
  // What the wall has shown so far has had its turn, and the beginning itself is due if the rule names it.
  const wallMs = nextWallMs(times, Math.max(latestShownMs(timeZone, afterMs), times.beginMs - 1));
  return wallMs === null ? null : firstShownMs(timeZone, wallMs);
}

interface Times {
  rule: AnchoredRule;
  beginMs: number;
  /** Each in order. */
  hours: readonly number[];
  minutes: readonly number[];
  seconds: readonly number[];
}

/** The rule with all that it takes from its beginning. */
export function rruleTimes(text: string, beginMs: number): Times {
  const reading = readRrule(text);
  if (!reading.ok) throw new RangeError(`expected ${reading.expected}, got ${reading.got} in "${text}"`);
  const wholeMs = Math.floor(beginMs / 1_000) * 1_000;
  const begin = new Date(wholeMs);
  const { hours, minutes, seconds } = reading.rule;
  return {
    rule: anchoredRule(reading.rule, calendarDay(Math.floor(wholeMs / DAY_MS))),
    beginMs: wholeMs,
    hours: hours ?? [begin.getUTCHours()],
    minutes: minutes ?? [begin.getUTCMinutes()],
    seconds: seconds ?? [begin.getUTCSeconds()],
  };
}

const timesOf = boundedMemo(RULES_MAX, (key: string): Times => {
  const [text, beginMs] = JSON.parse(key) as [string, number]; // as it was asked
  return rruleTimes(text, beginMs);
});

function nextWallMs(times: Times, wallMs: number): number | null {
  const { rule } = times;
  let period = periodOf(rule, calendarDay(Math.floor(wallMs / DAY_MS)));
  for (let looked = 0; looked < LOOKED_MAX;) {
    const begin = periodBegin(rule, period);
    if (begin * DAY_MS >= YEARS_TO_MS) return null;
    const found = daysOf(rule, period);
    const next = nextOfPeriod(times, found.days, wallMs);
    if (next !== null) return next < YEARS_TO_MS ? next : null;
    looked += found.looked + 1;
    period = Math.max(period + 1, periodAfter(rule, begin));
  }
  return null;
}

/** Months that a rule of days or weeks does not name are left out at once. */
function periodAfter(rule: AnchoredRule, begin: number): number {
  const { frequency, months } = rule;
  if (months === null || (frequency !== 'DAILY' && frequency !== 'WEEKLY')) return 0;
  const { year, month, day } = calendarDay(begin);
  if (months.includes(month) || (frequency === 'WEEKLY' && day > 21)) return 0;
  const next = new Date(0).setUTCFullYear(year, month, 1) / DAY_MS;
  return periodOf(rule, calendarDay(next - 1));
}

function nextOfPeriod(times: Times, days: readonly number[], wallMs: number): number | null {
  const size = times.hours.length * times.minutes.length * times.seconds.length;
  const at = (place: number): number =>
    (days[Math.floor(place / size)] ?? Number.NaN) * DAY_MS + timeOfDayMs(times, place % size);
  const { positions } = times.rule;
  if (positions === null) {
    const place = firstPlace(days.length * size, (one) => at(one) > wallMs);
    return place === null ? null : at(place);
  }
  const count = days.length * size;
  const chosen = positions
    .map((position) => (position > 0 ? position - 1 : count + position))
    .filter((place) => place >= 0 && place < count)
    .map(at)
    .filter((ms) => ms > wallMs);
  return chosen.length === 0 ? null : Math.min(...chosen);
}

/** The first place from which on the statement is true. */
function firstPlace(count: number, isTrue: (place: number) => boolean): number | null {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isTrue(middle)) high = middle;
    else low = middle + 1;
  }
  return low < count ? low : null;
}

function timeOfDayMs({ hours, minutes, seconds }: Times, place: number): number {
  const hour = hours[Math.floor(place / (minutes.length * seconds.length))] ?? 0;
  const minute = minutes[Math.floor(place / seconds.length) % minutes.length] ?? 0;
  const second = seconds[place % seconds.length] ?? 0;
  return ((hour * 60 + minute) * 60 + second) * 1_000;
}
