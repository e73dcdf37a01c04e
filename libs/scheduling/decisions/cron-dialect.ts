// What may a cron expression say? The dialect is ours, because libraries disagree on everything past five
// plain fields (croner reads `+`, `?` and years, the text generator cronstrue does not), and what was once
// accepted must mean the same forever. Five fields, or six with seconds first:
//
//   second 0-59 · minute 0-59 · hour 0-23 · day of month 1-31 · month 1-12 or JAN-DEC · day of week 0-7 or SUN-SAT
//
// Each takes `*`, `a`, `a-b`, `*/n`, `a-b/n` and lists of these. Day of month also takes `L` (the last day),
// `nW` (the weekday nearest to day n, within the month) and, alone, `LW` (the last weekday); day of week
// also `nL` (the month's last such day) and `n#m` (its m-th). The nicknames stand for whole expressions.
// If day of month and day of week are both restricted, either is enough; as in Vixie cron, a field that
// starts with `*` restricts nothing by itself, so `*/2` as day of month and MON are both required.

export interface CronFields {
  /** Six fields, blank between them, ready for croner. */
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
  const nickname = text.trim().toLowerCase();
  const expression = nickname.startsWith('@') ? NICKNAMES.get(nickname) : text.trim().toUpperCase();
  if (expression === undefined)
    return {
      ok: false,
      expected: `one of ${[...NICKNAMES.keys()].join(' ')}`,
      got: JSON.stringify(text.trim()),
    };
  const parts = expression.split(/\s+/);
  if (parts.length === 5) parts.unshift('0');
  const [second = '', minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = '', ...more] = parts;
  if (dayOfWeek === '' || more.length > 0) {
    return {
      ok: false,
      expected: '5 fields, or 6 with seconds first, and no year',
      got: `${expression === '' ? 0 : expression.split(/\s+/).length} fields`,
    };
  }
  const texts = { second, minute, hour, dayOfMonth, month, dayOfWeek };
  for (const field of FIELDS) {
    for (const item of texts[field.name].split(',')) {
      const expected = complaint(field, item, texts[field.name]);
      if (expected !== null)
        return { ok: false, expected: `${field.title}: ${expected}`, got: JSON.stringify(item) };
    }
  }
  return {
    ok: true,
    fields: {
      expression: parts.join(' '),
      requiresBothDays: dayOfMonth.startsWith('*') || dayOfWeek.startsWith('*'),
      namesTimesOfDay: /^\d+(,\d+)*$/.test(hour),
    },
  };
}

const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

interface Field {
  name: 'second' | 'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek';
  title: string;
  min: number;
  max: number;
  /** The names of the numbers from `min` on. */
  names: readonly string[];
}

const FIELDS: readonly Field[] = [
  { name: 'second', title: 'second', min: 0, max: 59, names: [] },
  { name: 'minute', title: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', title: 'hour', min: 0, max: 23, names: [] },
  { name: 'dayOfMonth', title: 'day of month', min: 1, max: 31, names: [] },
  {
    name: 'month',
    title: 'month',
    min: 1,
    max: 12,
    names: 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' '),
  },
  {
    name: 'dayOfWeek',
    title: 'day of week',
    min: 0,
    max: 7,
    names: 'SUN MON TUE WED THU FRI SAT'.split(' '),
  },
];

/** The expectation that the item fails, or null if it is right. */
function complaint(field: Field, item: string, list: string): string | null {
  if (/[?+]/.test(item)) return 'no "?" and no "+"; "*" means any';
  if (field.name === 'dayOfMonth' && item.endsWith('W')) {
    if (item === 'LW') return list === 'LW' ? null : 'LW alone, in no list';
    return inRange(field, item.slice(0, -1)) === null ? 'a day from 1 to 31 before W' : null;
  }
  if (field.name === 'dayOfMonth' && item === 'L') return null;
  const [, day, ordinal] = /^(.+?)(L|#.*)$/.exec(item) ?? [];
  if (field.name === 'dayOfWeek' && day !== undefined && ordinal !== undefined) {
    return inRange(field, day) !== null && /^(L|#[1-5])$/.test(ordinal)
      ? null
      : 'a day of week before L, or before # and a number from 1 to 5';
  }
  return stepped(field, item)
    ? null
    : `*, a, a-b, */n or a-b/n, with numbers a and b from ${field.min} to ${field.max}, a not above b, and a step n from 1 to ${sizeOf(field)}`;
}

function stepped(field: Field, item: string): boolean {
  const [base = '', step, ...more] = item.split('/');
  const [first = '', last, ...rest] = base.split('-');
  if (more.length > 0 || rest.length > 0) return false;
  // `a/n` is refused: some read it as "from a on", others as a alone.
  if (step !== undefined && last === undefined && base !== '*') return false;
  if (step !== undefined && !(/^\d{1,2}$/.test(step) && Number(step) >= 1 && Number(step) <= sizeOf(field)))
    return false;
  if (base === '*') return true;
  const from = inRange(field, first);
  // As the end of a range, Sunday is 7: FRI-SUN has three days.
  const isLastSunday = field.name === 'dayOfWeek' && last === 'SUN';
  const to = last === undefined ? from : isLastSunday ? 7 : inRange(field, last);
  return from !== null && to !== null && from <= to;
}

function sizeOf({ name, min, max }: Field): number {
  return name === 'dayOfWeek' ? 7 : max - min + 1;
}

/** The number that a token names, or null if it names none of the field's. */
function inRange({ min, max, names }: Field, token: string): number | null {
  const index = names.indexOf(token);
  if (index >= 0) return min + index;
  const number = /^\d{1,2}$/.test(token) ? Number(token) : Number.NaN;
  return number >= min && number <= max ? number : null;
}
