// Puts into words which expectation of a schema a value fails. Our own rules have it in their message. zod's own
// messages, such as "Too big: expected number to be <=100", are written for zod's users, so they are made again from
// the issue's fields, in the form of all our errors. The caller adds the given value. Another validator's message
// stays as it is.
import type { ValidationIssue } from '#client/jobs/standard-schema.js';

/** The useful fields of a zod issue, besides its message. */
interface ZodIssue extends ValidationIssue {
  code?: string;
  origin?: string;
  expected?: string;
  format?: string;
  pattern?: unknown;
  minimum?: number | bigint;
  maximum?: number | bigint;
  inclusive?: boolean;
  exact?: boolean;
  values?: readonly unknown[];
  options?: readonly unknown[];
  errors?: readonly (readonly ZodIssue[])[];
  issues?: readonly ZodIssue[];
}

const ZODS_OWN = /^(Invalid |Too (big|small): )/;

export function expectedText(issue: ValidationIssue): string {
  if (!ZODS_OWN.test(issue.message)) return issue.message;
  const told: ZodIssue = issue; // all of its fields are optional, so any issue is one
  switch (told.code) {
    case 'invalid_type':
      return `expected ${typeText(told.expected)}`;
    case 'too_big':
    case 'too_small':
      return `expected ${boundText(told)}`;
    case 'invalid_format':
      return `expected ${formatText(told)}`;
    case 'invalid_value':
      return `expected ${listText(told.values)}`;
    case 'invalid_union':
      return unionText(told);
    case 'invalid_key':
      return `expected a key of ${(told.issues ?? []).map((inner) => expectedText(inner).replace('expected ', '')).join(' and ')}`;
    default:
      return 'expected another value';
  }
}

function typeText(type = 'another type'): string {
  if (type === 'int') return 'a whole number';
  return type === 'record' ? 'an object' : type;
}

function boundText({ code, origin, inclusive, exact, minimum, maximum }: ZodIssue): string {
  const isMax = code === 'too_big';
  const bound = (isMax ? maximum : minimum) ?? 0;
  const unit = unitOf(origin, Number(bound) === 1);
  if (exact === true) return `exactly ${bound}${unit}`;
  if (inclusive === false) return `${isMax ? 'less' : 'more'} than ${bound}${unit}`;
  return `at ${isMax ? 'most' : 'least'} ${bound}${unit}`;
}

function unitOf(origin: string | undefined, isOne: boolean): string {
  if (origin === 'string') return isOne ? ' character' : ' characters';
  if (origin === 'array' || origin === 'set') return isOne ? ' entry' : ' entries';
  return '';
}

function formatText({ format = 'another', pattern }: ZodIssue): string {
  switch (format) {
    case 'uuid':
      return 'a UUID';
    case 'url':
      return 'a URL';
    case 'datetime':
      return 'an instant such as 2026-11-21T08:00:00Z';
    case 'regex':
      return `text that matches ${String(pattern)}`;
    default:
      return `text of the format ${format}`;
  }
}

function listText(values: readonly unknown[] = []): string {
  return values.map((value) => JSON.stringify(value)).join(' or ');
}

/** For alternatives, the expectation of each; for kinds with a discriminating field, the known kinds. */
function unionText({ options, errors = [] }: ZodIssue): string {
  if (options !== undefined) return `expected ${listText(options)}`;
  const each = errors.map(([first]) => first && expectedText(first).replace(/^expected /, ''));
  return `expected ${[...new Set(each)].filter(Boolean).join(', or ')}`;
}
