// What does an RRULE say in words? All of it, also what it takes from its beginning where it does not say it.
import { offsetMs } from '#scheduling/decisions/wall-clock.js';
import type { Weekday } from '#scheduling/decisions/rrule/rrule-text.js';
import { rruleTimes, type RruleSpec } from '#scheduling/decisions/rrule/rrule-times.js';

const UNITS = { DAILY: 'day', WEEKLY: 'week', MONTHLY: 'month', YEARLY: 'year' } as const;
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const TIMES_MAX = 6;

export function rruleWords({ rule: text, timeZone, anchorAt }: RruleSpec): string {
  const beginMs = anchorAt.getTime() + offsetMs(timeZone, anchorAt.getTime());
  const { rule, ...times } = rruleTimes(text, beginMs);
  const { frequency, interval, months, monthDays, yearDays, weekdays, positions } = rule;
  const unit = UNITS[frequency];
  const span = frequency === 'YEARLY' && months === null ? 'year' : 'month';
  return [
    interval === 1 ? `Every ${unit}` : `Every ${interval} ${unit}s`,
    months && `in ${list(months.map((month) => MONTHS[month - 1] ?? ''))}`,
    monthDays && `on ${list(monthDays.map((day) => dayWords(day)))} of the month`,
    yearDays && `on ${list(yearDays.map((day) => dayWords(day)))} of the year`,
    weekdays &&
      `${monthDays === null && yearDays === null ? 'on' : 'only on'} ${list(weekdays.map((day) => weekdayWords(day, span)))}`,
    `at ${timesWords(times)}`,
    positions &&
      `of these only ${list(positions.map((position) => `the ${ordinal(position)}`))} in each ${unit}`,
    timeZone,
  ]
    .filter((part) => part !== null)
    .join(', ');
}

const list = (words: readonly string[]): string =>
  words.length === 1 ? String(words[0]) : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

const dayWords = (day: number): string => (day > 0 ? `day ${day}` : `the ${ordinal(day)} day`);

function weekdayWords({ day, nth }: Weekday, span: string): string {
  const name = WEEKDAYS[day] ?? '';
  return nth === null ? name : `the ${ordinal(nth)} ${name} of the ${span}`;
}

function ordinal(number: number): string {
  if (number === -1) return 'last';
  const size = Math.abs(number);
  const isTeen = Math.floor(size / 10) % 10 === 1;
  const ending = (isTeen ? undefined : ['th', 'st', 'nd', 'rd'][size % 10]) ?? 'th';
  return number > 0 ? `${size}${ending}` : `${size}${ending} last`;
}

type Times = Pick<ReturnType<typeof rruleTimes>, 'hours' | 'minutes' | 'seconds'>;

function timesWords({ hours, minutes, seconds }: Times): string {
  const count = hours.length * minutes.length * seconds.length;
  if (count > TIMES_MAX) return `${count} times of the day`;
  const two = (number: number): string => String(number).padStart(2, '0');
  const isToTheMinute = seconds.every((second) => second === 0);
  return list(
    hours.flatMap((hour) =>
      minutes.flatMap((minute) =>
        seconds.map((second) => `${two(hour)}:${two(minute)}${isToTheMinute ? '' : `:${two(second)}`}`),
      ),
    ),
  );
}
