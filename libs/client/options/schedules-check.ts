// Checks the schedules of a job where it is defined. What needs the rules of cron, zones and recurrences is checked
// where they are known: by a replica when it loads the handler, and by the API when a worker registers.
import { checkLocks } from './lock-wishes.js';
import { expectKnownOptions } from './known-options.js';

const NAME = /^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const RULES = ['cron', 'everySeconds', 'rrule', 'at'];
const SPECS = [...RULES, 'anyOf', 'afterSuccessOf', 'delaySeconds'];
const SCHEDULES_MAX = 200;
const YEAR_SECONDS = 31_536_000;

type Check = (value: unknown) => boolean;

interface Option {
  fits: Check;
  expected: string;
}

const text: Option = { fits: (value) => typeof value === 'string' && value !== '', expected: 'a text' };
const texts: Option = {
  fits: (value) => Array.isArray(value) && value.every(text.fits),
  expected: 'a list of texts',
};
const instant: Option = {
  fits: (value) => (typeof value === 'string' || value instanceof Date) && !Number.isNaN(+new Date(value)),
  expected: 'a Date or an instant in RFC 3339',
};
const whole = (min: number, max: number): Option => ({
  fits: (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  expected: `a whole number from ${min} to ${max}`,
});
const oneOf = (...values: string[]): Option => ({
  fits: (value) => typeof value === 'string' && values.includes(value),
  expected: `one of ${values.join(', ')}`,
});

const OPTIONS: Readonly<Record<string, Option | Readonly<Record<string, Option>>>> = {
  name: {
    fits: (value) => typeof value === 'string' && NAME.test(value) && !UUID.test(value),
    expected:
      '1 to 100 lower-case letters, digits, dots, dashes or underscores, with a letter or digit at both ends, and no UUID',
  },
  cron: text,
  everySeconds: whole(1, YEAR_SECONDS),
  rrule: text,
  at: {
    fits: (value) =>
      Array.isArray(value) ? value.length > 0 && value.every(instant.fits) : instant.fits(value),
    expected: 'a Date, an instant in RFC 3339, or a list of them',
  },
  anyOf: { fits: (value) => Array.isArray(value) && value.every(isObject), expected: 'a list of rules' },
  afterSuccessOf: text,
  delaySeconds: whole(0, YEAR_SECONDS),
  tenants: texts,
  timeZone: text,
  payload: { fits: isObject, expected: 'an object' },
  startAt: instant,
  endAt: instant,
  maxFires: whole(1, 10_000),
  clockChanges: { gap: oneOf('after', 'skip'), repeat: oneOf('first', 'both') },
  catchUp: {
    mode: oneOf('none', 'latest', 'all'),
    withinSeconds: whole(1, YEAR_SECONDS),
    max: whole(1, 100),
  },
  overlap: { mode: oneOf('allow', 'skip', 'queue', 'replace'), max: whole(1, 1_000) },
  pauseAfterFailures: whole(1, 100),
  jitterSeconds: whole(0, 86_400),
  calendars: { include: texts, exclude: texts },
  labels: {
    fits: (value) => isObject(value) && Object.values(value).every((label) => typeof label === 'string'),
    expected: 'an object of texts',
  },
  queue: text,
  concurrencyKey: text,
  tags: texts,
  priority: whole(-100, 100),
  deadlineSeconds: whole(1, YEAR_SECONDS),
  // Checked by itself, since it says more of what is wrong.
  locks: { fits: () => true, expected: 'a list of locks' },
};

/** What a preview takes beside the spec. */
export const BESIDE_SPEC = [
  'timeZone',
  'clockChanges',
  'startAt',
  'endAt',
  'maxFires',
  'calendars',
  'jitterSeconds',
];
const DRAFTED = [...SPECS, ...BESIDE_SPEC];
const PATCHED = ['jobType', ...Object.keys(OPTIONS).filter((field) => !['name', 'tenants'].includes(field))];

/** Throws a TypeError that names the job, the schedule and the field. */
export function checkSchedules(job: string, schedules: unknown): void {
  if (schedules === undefined) return;
  if (!Array.isArray(schedules) || schedules.length > SCHEDULES_MAX)
    throw new TypeError(
      `expected schedules of job ${job} to be a list of at most ${SCHEDULES_MAX}, got ${show(schedules)}`,
    );
  const names = new Set<unknown>();
  for (const [index, schedule] of schedules.entries()) {
    if (!isObject(schedule))
      throw new TypeError(
        `expected schedules[${index}] of job ${job} to be an object, got ${show(schedule)}`,
      );
    const name = schedule['name'];
    const place = `schedule ${typeof name === 'string' ? name : `[${index}]`} of job ${job}`;
    checkSchedule(schedule, place);
    if (names.has(name)) throw new TypeError(`expected one ${place}, got two`);
    names.add(name);
  }
}

function checkSchedule(schedule: Record<string, unknown>, place: string): void {
  expectFields(schedule, Object.keys(OPTIONS), place);
  expectField('name', schedule['name'], place);
  expectOneSpec(schedule, place);
  checkValues(schedule, place);
}

/** The same of what says when a schedule would be due. */
export function checkScheduleDraft(draft: object, place: string): void {
  const given = draft as Record<string, unknown>; // an object with names of any kind
  expectFields(given, DRAFTED, place);
  expectOneSpec(given, place);
  checkValues(given, place);
}

/** The same of a change, in which null stands for the default. */
export function checkSchedulePatch(patch: object, place: string): void {
  const given = patch as Record<string, unknown>; // an object with names of any kind
  expectFields(given, PATCHED, place);
  if (SPECS.some((field) => given[field] !== undefined)) expectOneSpec(given, place);
  checkValues(withoutNulls(given), place);
}

function withoutNulls(given: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(given).flatMap(([field, value]) =>
    value === null ? [] : [[field, isObject(value) && field !== 'payload' ? withoutNulls(value) : value]],
  );
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function expectOneSpec(given: Record<string, unknown>, place: string): void {
  // A delay is a kind of its own, or says more about this one.
  const isAfter = given['afterSuccessOf'] !== undefined;
  expectOne(isAfter ? { ...given, delaySeconds: undefined } : given, SPECS, place);
}

function checkValues(given: Record<string, unknown>, place: string): void {
  for (const [field, value] of Object.entries(given))
    if (value !== undefined) expectField(field, value, place);
  checkLocks(given['locks'], place);
  for (const [index, rule] of ((given['anyOf'] ?? []) as Record<string, unknown>[]).entries()) {
    const inner = `anyOf[${index}] of ${place}`;
    expectFields(rule, RULES, inner);
    expectOne(rule, RULES, inner);
    for (const [field, value] of Object.entries(rule))
      if (value !== undefined) expectField(field, value, inner);
  }
}

function expectFields(given: object, known: readonly string[], place: string): void {
  try {
    expectKnownOptions(given, known);
  } catch (error) {
    throw error instanceof TypeError ? new TypeError(`${place}: ${error.message}`) : error;
  }
}

function expectOne(given: Record<string, unknown>, known: readonly string[], place: string): void {
  const named = known.filter((field) => given[field] !== undefined);
  if (named.length === 1) return;
  throw new TypeError(
    `expected exactly one of ${known.join(', ')} in ${place}, got ${named.length === 0 ? 'none' : named.join(' and ')}`,
  );
}

function expectField(field: string, value: unknown, place: string): void {
  const option = OPTIONS[field];
  if (option === undefined) return;
  if (isOption(option)) {
    if (option.fits(value)) return;
    throw new TypeError(`expected ${field} of ${place} to be ${option.expected}, got ${show(value)}`);
  }
  if (!isObject(value))
    throw new TypeError(`expected ${field} of ${place} to be an object, got ${show(value)}`);
  expectFields(value, Object.keys(option), `${field} of ${place}`);
  for (const [inner, { fits, expected }] of Object.entries(option)) {
    const got = value[inner];
    const isNeeded = inner === 'mode';
    if ((got === undefined && !isNeeded) || fits(got)) continue;
    throw new TypeError(`expected ${field}.${inner} of ${place} to be ${expected}, got ${show(got)}`);
  }
}

function isOption(option: Option | Readonly<Record<string, Option>>): option is Option {
  return typeof option['fits'] === 'function';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  try {
    return JSON.stringify(value).slice(0, 100);
  } catch {
    return `a ${typeof value}`;
  }
}
