// What does an RRULE of RFC 5545 say? Its parts are read into lists of numbers. Parts that say when a rule begins and ends
// stand beside the spec here, and what is refused is refused by its name: a part that was passed over would make other
// times than the calendar shows from which the rule was copied.

export const FREQUENCIES = ['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'] as const;
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'] as const;

export interface Weekday {
  /** From Sunday, 0. */
  day: number;
  /** The second is 2, the last is -1; null for each one. */
  nth: number | null;
}

/** Null where a list was not given. */
export interface Rrule {
  frequency: (typeof FREQUENCIES)[number];
  interval: number;
  months: number[] | null;
  monthDays: number[] | null;
  yearDays: number[] | null;
  weekdays: Weekday[] | null;
  hours: number[] | null;
  minutes: number[] | null;
  seconds: number[] | null;
  positions: number[] | null;
  /** The day with which a week begins. */
  weekStart: number;
}

export type RruleReading = { ok: true; rule: Rrule } | { ok: false; expected: string; got: string };

const INTERVAL_MAX = 1_000;

/** Why a part that the RFC knows is refused. */
const REFUSED: Readonly<Record<string, string>> = {
  COUNT: 'no COUNT, but maxFires beside the spec',
  UNTIL: 'no UNTIL, but endAt beside the spec',
  DTSTART: 'no DTSTART, but startAt beside the spec',
  BYWEEKNO: 'no BYWEEKNO: weeks are counted by no schedule',
};
const LISTS = {
  BYMONTH: { min: 1, max: 12, isSigned: false },
  BYMONTHDAY: { min: 1, max: 31, isSigned: true },
  BYYEARDAY: { min: 1, max: 366, isSigned: true },
  BYHOUR: { min: 0, max: 23, isSigned: false },
  BYMINUTE: { min: 0, max: 59, isSigned: false },
  BYSECOND: { min: 0, max: 59, isSigned: false },
  BYSETPOS: { min: 1, max: 366, isSigned: true },
} as const;
const KNOWN = ['FREQ', 'INTERVAL', 'BYDAY', 'WKST', ...Object.keys(LISTS)];

/** Upper case, without spaces around it and without the name of the property. */
export function plainRrule(text: string): string {
  return text
    .trim()
    .toUpperCase()
    .replace(/^RRULE:/, '');
}

class Refusal {
  constructor(
    readonly expected: string,
    readonly got: string,
  ) {}
}

export function readRrule(text: string): RruleReading {
  try {
    return { ok: true, rule: read(partsOf(plainRrule(text))) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ok: false, expected: error.expected, got: error.got };
  }
}

function partsOf(text: string): Map<string, string> {
  const parts = new Map<string, string>();
  for (const part of text.split(';')) {
    const [name = '', value] = part.split('=', 2);
    const refused = /^[A-Z]+/.exec(name)?.[0] ?? '';
    if (Object.hasOwn(REFUSED, refused)) throw new Refusal(REFUSED[refused] ?? '', quoted(part));
    if (value === undefined || !KNOWN.includes(name))
      throw new Refusal(
        `parts such as FREQ=MONTHLY, with one of the names ${KNOWN.join(', ')}`,
        quoted(part),
      );
    if (parts.has(name)) throw new Refusal(`${name} once`, quoted(text));
    parts.set(name, value);
  }
  return parts;
}

function read(parts: Map<string, string>): Rrule {
  const given = parts.get('FREQ');
  const frequency = FREQUENCIES.find((known) => known === given);
  if (frequency === undefined)
    throw new Refusal(
      `FREQ to be ${FREQUENCIES.join(', ')} (everySeconds and cron say what is due more often)`,
      quoted(given ?? 'no FREQ'),
    );
  const listOf = (name: keyof typeof LISTS): number[] | null => numbers(name, parts.get(name));
  const rule: Rrule = {
    frequency,
    interval: whole('INTERVAL', parts.get('INTERVAL') ?? '1', { min: 1, max: INTERVAL_MAX, isSigned: false }),
    months: listOf('BYMONTH'),
    monthDays: listOf('BYMONTHDAY'),
    yearDays: listOf('BYYEARDAY'),
    weekdays: weekdays(parts.get('BYDAY')),
    hours: listOf('BYHOUR'),
    minutes: listOf('BYMINUTE'),
    seconds: listOf('BYSECOND'),
    positions: listOf('BYSETPOS'),
    weekStart: weekStart(parts.get('WKST') ?? 'MO'),
  };
  refuseMixtures(rule);
  return rule;
}

/** Which the RFC forbids. */
function refuseMixtures({ frequency, ...rule }: Rrule): void {
  const only = (isGiven: boolean, part: string, fitting: readonly string[]): void => {
    if (isGiven && !fitting.includes(frequency))
      throw new Refusal(`${part} only with FREQ=${fitting.join(' or ')}`, `"FREQ=${frequency}"`);
  };
  const isNth = rule.weekdays?.some(({ nth }) => nth !== null) === true;
  only(isNth, 'numbers in BYDAY', ['MONTHLY', 'YEARLY']);
  only(rule.yearDays !== null, 'BYYEARDAY', ['YEARLY']);
  only(rule.monthDays !== null, 'BYMONTHDAY', ['DAILY', 'MONTHLY', 'YEARLY']);
  const { positions, interval: _, weekStart: __, ...lists } = rule;
  if (positions !== null && Object.values(lists).every((list) => list === null))
    throw new Refusal('another part beside BYSETPOS, from which it chooses', '"BYSETPOS" alone');
}

interface Range {
  min: number;
  max: number;
  isSigned: boolean;
}

function numbers(name: keyof typeof LISTS, text: string | undefined): number[] | null {
  if (text === undefined) return null;
  const found = text.split(',').map((one) => whole(name, one, LISTS[name]));
  return [...new Set(found)].toSorted((a, b) => a - b);
}

function whole(name: string, text: string, { min, max, isSigned }: Range): number {
  const number = /^[+-]?\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  const size = isSigned ? Math.abs(number) : number;
  if (size >= min && size <= max) return number;
  const expected = `${name} of ${min} to ${max}${isSigned ? `, or of -${max} to -${min} from the end` : ''}`;
  throw new Refusal(expected, quoted(text));
}

/** Each once: a list that says the same again and again would be looked through for each day. */
function weekdays(text: string | undefined): Weekday[] | null {
  if (text === undefined) return null;
  return [...new Set(text.split(','))].map(weekday);
}

function weekday(text: string): Weekday {
  const [, nth, name = ''] = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(text) ?? [];
  const day = WEEKDAYS.findIndex((known) => known === name);
  const number = nth === undefined ? null : Number(nth);
  const isRight = number === null || (Math.abs(number) >= 1 && Math.abs(number) <= 53);
  if (day >= 0 && isRight) return { day, nth: number };
  throw new Refusal(`BYDAY of days such as ${WEEKDAYS.join(', ')}, 2TU or -1FR`, quoted(text));
}

function weekStart(text: string): number {
  const day = WEEKDAYS.findIndex((known) => known === text);
  if (day >= 0) return day;
  throw new Refusal(`WKST to be one of ${WEEKDAYS.join(', ')}`, quoted(text));
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 60));
