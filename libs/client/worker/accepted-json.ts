// Turns a handler's values into JSON that the API accepts. A heartbeat must keep its lease with any values of the
// handler, so no value leaves this process that the API would refuse. Values are encoded at once, since the handler
// may change its objects right after. A value that is only shown, a message or the fields of a log line, is mended. A
// value that must arrive unchanged, an output or details, is refused with the reason. The bounds are those of the
// API.
import { describeError, textOf } from '#client/jobs/thrown-error.js';

export type Encoded = { kind: 'encoded'; value: unknown } | { kind: 'unfit'; reason: string };

const OUTPUT_BYTES_MAX = 256 * 1024;
const DETAILS_BYTES_MAX = 64 * 1024;
const NESTING_MAX = 100;
const PROGRESS_MESSAGE_MAX = 1_000;
const LINE_MESSAGE_MAX = 8_000;
const LINE_FIELDS_BYTES_MAX = 8 * 1024;

/** The value as JSON; a function or undefined, which JSON omits, becomes null. */
export function encodeOutput(value: unknown): Encoded {
  return encode(value, OUTPUT_BYTES_MAX);
}

/** Throws TypeError, as a replica does. */
export function encodeDetails(details: unknown): unknown {
  const encoded = encode(details, DETAILS_BYTES_MAX);
  if (encoded.kind === 'unfit') throw new TypeError(`heartbeat details: ${encoded.reason}`);
  return encoded.value;
}

/** A fraction outside is moved to the nearer end, and any other value becomes 0. */
export function progressOf(fraction: unknown, message: unknown): { fraction: number; message?: string } {
  const number = typeof fraction === 'number' && !Number.isNaN(fraction) ? fraction : 0;
  return {
    fraction: Math.min(1, Math.max(0, number)),
    ...(message === undefined ? {} : { message: textOf(message, PROGRESS_MESSAGE_MAX) }),
  };
}

export interface SayableLine {
  message: string;
  fields?: object;
}

/** Accepts the arguments of pino, as a replica's log does. Never throws. */
export function lineOf(first: unknown, second: unknown): SayableLine {
  if (typeof first !== 'object' || first === null) return lineWith(first);
  const isError = first instanceof Error;
  const message = second ?? (isError ? describeError(first).message : '');
  return lineWith(message, fieldsOf(isError ? { err: first } : first));
}

/** A message that was cut is noted among the fields, as in a replica's log. */
function lineWith(message: unknown, fields?: object): SayableLine {
  const whole = textOf(message, Number.POSITIVE_INFINITY);
  if (whole.length <= LINE_MESSAGE_MAX)
    return { message: whole, ...(fields === undefined ? {} : { fields }) };
  const cut = `expected at most ${LINE_MESSAGE_MAX} characters in a message, got ${whole.length}`;
  return { message: textOf(whole, LINE_MESSAGE_MAX), fields: { ...fields, cut } };
}

function fieldsOf(fields: object): object {
  const encoded = encode(fields, LINE_FIELDS_BYTES_MAX, showOdd);
  if (encoded.kind === 'unfit') return { unfit: encoded.reason };
  const { value } = encoded;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { value };
}

/**
 * JSON sees no fields of errors, whole numbers may be too large for it, and text may hold characters that can't be
 * stored.
 */
function showOdd(_name: string, value: unknown): unknown {
  if (typeof value === 'string')
    return value.length > LINE_MESSAGE_MAX
      ? `${textOf(value, LINE_MESSAGE_MAX - 1)}…`
      : textOf(value, LINE_MESSAGE_MAX);
  if (typeof value === 'bigint') return String(value);
  return value instanceof Error ? describeError(value) : value;
}

function encode(
  value: unknown,
  bytesMax: number,
  replacer?: (name: string, value: unknown) => unknown,
): Encoded {
  try {
    // Returns undefined for functions and symbols, although its type omits that.
    const json = (JSON.stringify(value, replacer) as string | undefined) ?? 'null';
    const bytes = Buffer.byteLength(json);
    if (bytes > bytesMax)
      return { kind: 'unfit', reason: `expected at most ${bytesMax} bytes of JSON, got ${bytes}` };
    const parsed: unknown = JSON.parse(json);
    const reason = findUnstorable(parsed, '', 0);
    return reason === null ? { kind: 'encoded', value: parsed } : { kind: 'unfit', reason };
  } catch (error) {
    return {
      kind: 'unfit',
      reason: `expected a value that JSON can express, got ${describeError(error).message}`,
    };
  }
}

/** The place of the first part that the API would refuse, and why; null when there is none. */
function findUnstorable(value: unknown, pointer: string, depth: number): string | null {
  if (typeof value === 'string')
    return isStorable(value) ? null : unstorable(pointer, 'text without NUL characters or lone surrogates');
  if (typeof value !== 'object' || value === null) return null;
  if (depth >= NESTING_MAX) return unstorable('', `at most ${NESTING_MAX} levels of nesting`);
  for (const [key, part] of Object.entries(value)) {
    const place = `${pointer}/${textOf(key, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!isStorable(key) || key === '__proto__') return unstorable(place, 'a field with another name');
    const found = findUnstorable(part, place, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function unstorable(pointer: string, expected: string): string {
  return `${pointer || '/'}: expected ${expected}, got another value`;
}
