// What may a cron expression say? The dialect is ours, because libraries disagree on everything past five
// plain fields (croner reads `+`, `?` and years, the text generator cronstrue does not), and what was once
// accepted must mean the same forever. Five fields, or six with seconds first:
//
//   second 0-59 · minute 0-59 · hour 0-23 · day of month 1-31 · month 1-12 or JAN-DEC · day of week 0-7 or SUN-SAT
//
// Each takes `*`, `a`, `a-b`, `*/n`, `a-b/n`, `a/n` (from a to the end) and lists of these. A range may lead over the end
// of its field: `22-2` and `FRI-MON`. Names may be written out. Day of month also takes `L` (the last day), `nW` (the
// weekday nearest to day n, within the month; none where the month has no day n) and, alone, `LW` (the last weekday);
// day of week also `nL` (the month's last such day) and `n#m` (its m-th). One day field may be `?`, which is `*`. The
// nicknames stand for whole expressions. If day of month and day of week are both restricted, either is enough; as in
// Vixie cron, a field that starts with `*` restricts nothing by itself, so `*/2` as day of month and MON are both
// required.

export interface CronFields {
  /** Six fields, blank between them, names and nicknames resolved; the tests' croner reads it, too. */
  expression: string;
  /** Both day fields must match, not just one. */
  requiresBothDays: boolean;
  /** The hour is a number or a list of numbers: it names times of day. With `*`, a step or a range it is a rhythm. */
  namesTimesOfDay: boolean;
}

export type CronReading = { ok: true; fields: CronFields } | { ok: false; expected: string; got: string };

const LENGTH_MAX = 256;

/**
 * Says what was expected and what was got, about the first mistake. Whether the expression is ever due is another
 * question.
 */
export function readCron(text: string): CronReading {
  if (text.length > LENGTH_MAX)
    return { ok: false, expected: `at most ${LENGTH_MAX} characters`, got: `${text.length} characters` };
  const given = text.trim();
  if (given.startsWith('@')) {
    const meant = NICKNAMES.get(given.toLowerCase());
    return meant === undefined
      ? {
          ok: false,
          expected: `one of ${[...NICKNAMES.keys()].join(' ')}, or "@every" with a duration such as "@every 90s"`,
          got: JSON.stringify(given),
        }
      : readCron(meant);
  }
  if (/^(CRON_)?TZ=/i.test(given))
    return {
      ok: false,
      expected: 'no time zone in the expression, since it stands in timeZone',
      got: JSON.stringify(given.split(/\s/, 1)[0]),
    };
  const parts = given === '' ? [] : given.split(/\s+/);
  if (parts.length < 5 || parts.length > 6)
    return {
      ok: false,
      expected: '5 fields, or 6 with seconds first, and no year',
      got: `${parts.length} fields`,
    };
  if (parts.length === 5) parts.unshift('0');
  return readFields(parts);
}

function readFields(parts: readonly string[]): CronReading {
  const [, , hour = '', dayOfMonth = '', , dayOfWeek = ''] = parts;
  if (dayOfMonth === '?' && dayOfWeek === '?')
    return { ok: false, expected: 'day of week: "?" in one day field only', got: '"?"' };
  const texts: string[] = [];
  for (const [index, field] of FIELDS.entries()) {
    const list = parts[index] ?? '';
    const items = list.split(',').map((item) => ({ item, read: readItem(field, item.toUpperCase(), list) }));
    const wrong = items.find(({ read }) => 'expected' in read);
    if (wrong !== undefined && 'expected' in wrong.read)
      return {
        ok: false,
        expected: `${field.title}: ${wrong.read.expected}`,
        got: JSON.stringify(wrong.item),
      };
    texts.push(
      joined(
        field,
        items.flatMap(({ read }) => ('text' in read ? [read.text] : [])),
      ),
    );
  }
  return {
    ok: true,
    fields: {
      expression: texts.join(' '),
      requiresBothDays: /^[*?]/.test(dayOfMonth) || /^[*?]/.test(dayOfWeek),
      namesTimesOfDay: /^\d+(,\d+)*$/.test(hour),
    },
  };
}

/** A list with `*` in it takes everything; croner, which the tests compare with, would read `L,*` in another way. */
function joined(field: Field, items: readonly string[]): string {
  if (!items.includes('*')) return items.join(',');
  return items[0] === '*' ? '*' : `${field.min}-${lastOf(field)}`;
}

const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@weekdays', '0 0 * * 1-5'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

interface Field {
  name: 'second' | 'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek';
  title: string;
  min: number;
  max: number;
  /** The names of the numbers from `min` on; their first three letters do. */
  names: readonly string[];
  /** What else it takes, as errors say it. */
  also: string;
}

const FIELDS: readonly Field[] = [
  { name: 'second', title: 'second', min: 0, max: 59, names: [], also: '' },
  { name: 'minute', title: 'minute', min: 0, max: 59, names: [], also: '' },
  { name: 'hour', title: 'hour', min: 0, max: 23, names: [], also: '' },
  {
    name: 'dayOfMonth',
    title: 'day of month',
    min: 1,
    max: 31,
    names: [],
    also: '; or L (the last day), L-3 (three days before it), LW (the last weekday) or aW (the weekday nearest to a)',
  },
  {
    name: 'month',
    title: 'month',
    min: 1,
    max: 12,
    names: 'JANUARY FEBRUARY MARCH APRIL MAY JUNE JULY AUGUST SEPTEMBER OCTOBER NOVEMBER DECEMBER'.split(' '),
    also: '',
  },
  {
    name: 'dayOfWeek',
    title: 'day of week',
    min: 0,
    max: 7,
    names: 'SUNDAY MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY'.split(' '),
    also: "; or aL (the month's last a) or a#m (its m-th a)",
  },
];

const DAYS_BEFORE_LAST_MAX = 30;

/** In plain numbers, or the expectation that it fails. */
type ReadItem = { text: string } | { expected: string };

function readItem(field: Field, item: string, list: string): ReadItem {
  if (item === '?' && list === '?' && field.name.startsWith('day')) return { text: '*' };
  if (/[?+]/.test(item))
    return { expected: 'no "?" in a list or in another field than a day, and no "+"; "*" means any' };
  if (/^H(\(|\/|$)/.test(item)) return { expected: 'no "H"; choose a number, so that the time is known' };
  if (field.name === 'dayOfMonth' && item.endsWith('W')) {
    if (item === 'LW') return list.length === 2 ? { text: item } : { expected: 'LW alone, in no list' };
    const day = inRange(field, item.slice(0, -1));
    return day === null ? { expected: 'a day from 1 to 31 before W' } : { text: `${day}W` };
  }
  if (field.name === 'dayOfMonth' && item === 'L') return { text: item };
  const before = field.name === 'dayOfMonth' ? /^L-(\d{1,2})$/.exec(item)?.[1] : undefined;
  if (before !== undefined) {
    const days = Number(before);
    return days >= 1 && days <= DAYS_BEFORE_LAST_MAX
      ? { text: `L-${days}` }
      : { expected: `L-n with n from 1 to ${DAYS_BEFORE_LAST_MAX}, so many days before the last` };
  }
  const [, name, ordinal] = /^(.+?)(L|#.*)$/.exec(item) ?? [];
  if (field.name === 'dayOfWeek' && name !== undefined && ordinal !== undefined) {
    const day = inRange(field, name);
    return day !== null && /^(L|#[1-5])$/.test(ordinal)
      ? { text: `${day}${ordinal}` }
      : { expected: 'a day of week before L, or before # and a number from 1 to 5' };
  }
  const text = readRange(field, item);
  if (text !== null) return { text };
  return { expected: whatFits(field) };
}

function whatFits(field: Field): string {
  const { min, max, names, also } = field;
  const named = names.length === 0 ? '' : ` (or ${names[0]?.slice(0, 3)} to ${names.at(-1)?.slice(0, 3)})`;
  return `*, a, a-b, */n, a/n or a-b/n, with numbers a and b from ${min} to ${max}${named}, and a step n from 1 to ${sizeOf(field)}${also}`;
}

/** Null for anything else than a number, a range, or one of them with a step. */
function readRange(field: Field, item: string): string | null {
  const [base = '', step, ...more] = item.split('/');
  const [first = '', last, ...rest] = base.split('-');
  if (more.length > 0 || rest.length > 0) return null;
  if (step !== undefined && !(/^\d{1,2}$/.test(step) && Number(step) >= 1 && Number(step) <= sizeOf(field)))
    return null;
  const steps = step === undefined ? '' : `/${step}`;
  if (base === '*') return `*${steps}`;
  const from = inRange(field, first);
  if (from === null) return null;
  if (last === undefined)
    return step === undefined ? `${from}` : `${from % (lastOf(field) + 1)}-${lastOf(field)}${steps}`;
  const to = inRange(field, last);
  if (to === null) return null;
  // As the end of a range, Sunday is 7: FRI-SUN has three days.
  const end = field.name === 'dayOfWeek' && to === 0 && from > 0 ? 7 : to;
  return from <= end
    ? `${from}-${end}${steps}`
    : aroundTheEnd(field, { from, to: end, step: Number(step ?? 1) });
}

/** The numbers from one up to a smaller one, over the end of the field. */
function aroundTheEnd(field: Field, { from, to, step }: { from: number; to: number; step: number }): string {
  const size = sizeOf(field);
  const length = to - from + size;
  const steps = Array.from({ length: Math.floor(length / step) + 1 }, (_, index) => index * step);
  return steps.map((ahead) => field.min + ((from - field.min + ahead) % size)).join(',');
}

function sizeOf({ name, min, max }: Field): number {
  return name === 'dayOfWeek' ? 7 : max - min + 1;
}

/** Sunday is also 7, but a week ends on Saturday. */
function lastOf({ name, max }: Field): number {
  return name === 'dayOfWeek' ? 6 : max;
}

/** The number that a token names, or null if it names none of the field's. */
function inRange({ min, max, names }: Field, token: string): number | null {
  const index = names.findIndex((name) => token === name || token === name.slice(0, 3));
  if (index >= 0) return min + index;
  const number = /^\d{1,2}$/.test(token) ? Number(token) : Number.NaN;
  return number >= min && number <= max ? number : null;
}
