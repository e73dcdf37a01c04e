// Can the values of a run's options be sent as they are? The casts of a statement refuse some without saying of which run
// they are, and the encoding of the connection changes others without a word.

import { expectKnownOptions } from './known-options.js';

/** What each way to create a run takes. */
export const RUN_OPTIONS: readonly string[] = [
  'runAt',
  'queue',
  'priority',
  'tags',
  'concurrencyKey',
  'overlap',
  'order',
  'deadline',
  'unique',
  'debounce',
];

/** Throws TypeError for an option that is none: its run would start as if nothing had been said. */
export function expectRunOptions(
  options: object,
  { more = [], prefix = '' }: { more?: readonly string[]; prefix?: string } = {},
): void {
  expectKnownOptions(options, [...RUN_OPTIONS, ...more], { prefix });
}

interface RunValues {
  readonly runAt?: Date;
  readonly deadline?: Date;
  readonly priority?: number;
  readonly queue?: string;
  readonly unique?: { readonly key: string };
  readonly concurrencyKey?: string;
  readonly tags?: readonly string[];
}

const YEARS = 'an instant of the years 1 to 9999';
const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** Throws TypeError. Options may come from JavaScript, `place` stands before each field. */
export function checkRunValues(run: RunValues, place = ''): void {
  for (const field of ['runAt', 'deadline'] as const) {
    const value: unknown = run[field];
    if (value instanceof Date && !(value.getTime() >= FIRST_MS && value.getTime() <= LAST_MS))
      refuse(`${place}${field}`, `to be ${YEARS}`, Number.isNaN(value.getTime()) ? 'an invalid Date' : value);
  }
  const { priority } = run;
  if (priority !== undefined && !Number.isInteger(priority))
    refuse(`${place}priority`, 'to be a whole number', priority);
  const tags: unknown = run.tags ?? [];
  if (!Array.isArray(tags)) refuse(`${place}tags`, 'to be a list of texts', typeof tags);
  const texts = {
    queue: run.queue,
    'unique.key': run.unique?.key,
    concurrencyKey: run.concurrencyKey,
    ...Object.fromEntries(tags.map((tag: unknown, index) => [`tags[${index}]`, tag])),
  };
  for (const [field, value] of Object.entries(texts))
    if (typeof value === 'string' && (!value.isWellFormed() || value.includes('\0')))
      refuse(`${place}${field}`, 'to have no NUL characters or lone surrogates', JSON.stringify(value));
}

function refuse(field: string, expected: string, got: unknown): never {
  const shown = got instanceof Date ? String(got.getTime()) : String(got);
  throw new TypeError(`expected ${field} ${expected}, got ${shown}`);
}
