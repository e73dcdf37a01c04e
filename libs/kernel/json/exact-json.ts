// Parses a JSON text without losing a digit. JSON's integers have no limit and JavaScript's numbers have: JSON.parse
// silently rounds 9007199254740993 and makes Infinity of 1e400, and a value that is nested too deep overflows the stack
// of the next function that walks over it. Such texts are refused here, with the place. A fraction becomes the nearest
// double, as everywhere else, since no program expects more of 0.1. Texts without a suspicious number, nearly all, cost
// one pass of a regular expression more than JSON.parse. The number of values is bounded before the first is made,
// since each costs every later reader, and a mebibyte can hold half a million of them.

export const NESTING_MAX = 100;
/** No text of 256 KiB, the most that is stored, has more. */
export const VALUES_MAX = 150_000;
/** Fields of objects, the dearest of all values; no text of 256 KiB has more either. */
export const FIELDS_MAX = 60_000;

export type ExactJson =
  | { kind: 'parsed'; value: unknown }
  /** Not JSON; `message` says where. */
  | { kind: 'malformed'; message: string }
  /** JSON, but it can't be kept as it came. `path` leads to the place; `detail` has the expected and the given value. */
  | { kind: 'refused'; path: PropertyKey[]; detail: string };

/** Integers that may be beyond the doubles' 53 bits, and exponents that may be beyond their range; perhaps in a string. */
const SUSPICIOUS = /(?:^|[[:,\s])-?(?:\d{16}|\d+(?:\.\d+)?[eE]\+?\d{3})/;
const SHOWN_LENGTH_MAX = 60;

export function parseExactJson(text: string): ExactJson {
  // Before it is parsed: JSON.parse takes any depth and number of values, and its result overflows stacks elsewhere.
  const size = sizeOf(text);
  if (size.depth > NESTING_MAX) {
    const deep = firstFault(text, () => false);
    if (deep !== null) return deep;
  }
  if (size.values > VALUES_MAX || size.fields > FIELDS_MAX) return tooMany(size);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: 'malformed', message: error instanceof Error ? error.message : String(error) };
  }
  if (!SUSPICIOUS.test(text)) return { kind: 'parsed', value };
  return firstFault(text, isInexact) ?? { kind: 'parsed', value };
}

function tooMany({ values, fields }: Size): ExactJson {
  const detail =
    fields > FIELDS_MAX
      ? `expected at most ${FIELDS_MAX} fields of objects in one JSON text, got ${fields}`
      : `expected at most ${VALUES_MAX} values in one JSON text, got ${values}`;
  return { kind: 'refused', path: [], detail };
}

/** Whether a number, as JSON writes it, would be rounded. */
function isInexact(source: string): boolean {
  const number = Number(source);
  if (!Number.isFinite(number)) return true;
  return !Number.isSafeInteger(number) && /^-?\d{16,}$/.test(source) && digitsOf(number) !== source;
}

/** An integer without an exponent; JavaScript's own text of a double is read alike by any JSON library. */
function digitsOf(integer: number): string {
  const [mantissa = '', exponent] = String(integer).split('e+');
  if (exponent === undefined) return mantissa;
  const [whole = '', fraction = ''] = mantissa.split('.');
  return whole + fraction.padEnd(Number(exponent), '0');
}

export function isTooDeep(text: string): boolean {
  return sizeOf(text).depth > NESTING_MAX;
}

interface Size {
  /** The deepest nesting, counted up to the first place that is too deep. */
  depth: number;
  /** Values inside others, plus the outermost. */
  values: number;
  fields: number;
}

/** Reads each character once and remembers nothing, since every text passes through it. */
function sizeOf(text: string): Size {
  let depth = 0;
  let deepest = 0;
  let values = 1;
  let fields = 0;
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place);
    // In this order: " , : [ { ] }
    if (code === 0x22) place = endOfString(text, place);
    else if (code === 0x2c) values += 1;
    else if (code === 0x3a) fields += 1;
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > deepest) deepest = depth;
      if (depth > NESTING_MAX) break;
      // Their closing brackets come two characters later in the table.
      if (text.charCodeAt(place + 1) !== code + 2) values += 1;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return { depth: deepest, values, fields };
}

/** The index of the closing quote of the string that begins here. */
function endOfString(text: string, start: number): number {
  for (let end = start; ;) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    let first = end;
    // Backslashes.
    while (text.charCodeAt(first - 1) === 0x5c) first -= 1;
    if ((end - first) % 2 === 0) return end; // no backslash before it, or escaped ones
  }
}

interface Open {
  isObject: boolean;
  index: number;
  /** Where the name of the field stands; it is read only for an error. */
  keyAt: number;
}

/** Shorter ones without an exponent are exact. */
const INEXACT_LENGTH_MIN = 16;

/** Skips words like `true`, and reads strings only as names of fields. */
function firstFault(
  text: string,
  isFaulty: (source: string) => boolean,
): (ExactJson & { kind: 'refused' }) | null {
  const open: Open[] = [];
  let at: Open = { isObject: false, index: 0, keyAt: 0 };
  const outside = at;
  let stringAt = 0;
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place);
    // In this order: " [ { ] } : , -
    if (code === 0x22) {
      stringAt = place;
      place = endOfString(text, place);
    } else if (code === 0x5b || code === 0x7b) {
      if (open.length >= NESTING_MAX)
        return refused(text, open, `expected at most ${NESTING_MAX} levels of nesting, got more`);
      at = { isObject: code === 0x7b, index: 0, keyAt: place };
      open.push(at);
    } else if (code === 0x5d || code === 0x7d) {
      open.pop();
      at = open.at(-1) ?? outside;
    } else if (code === 0x3a) at.keyAt = stringAt;
    else if (code === 0x2c) at.index += 1;
    else if (code === 0x2d || isDigit(code)) {
      const end = endOfNumber(text, place);
      const number = text.slice(place, end);
      if ((number.length >= INEXACT_LENGTH_MIN || /e/i.test(number)) && isFaulty(number))
        return refused(text, open, `expected a number that a double holds exactly, got ${shorten(number)}`);
      place = end - 1;
    }
  }
  return null;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function endOfNumber(text: string, start: number): number {
  for (let end = start + 1; ; end += 1) {
    const code = text.charCodeAt(end);
    // In this order: . e E + -
    const isPart = code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b || code === 0x2d;
    if (!isPart && !isDigit(code)) return end;
  }
}

function refused(text: string, open: readonly Open[], detail: string): ExactJson & { kind: 'refused' } {
  return { kind: 'refused', path: open.map((each) => stepOf(text, each)), detail };
}

function stepOf(text: string, { isObject, index, keyAt }: Open): PropertyKey {
  if (!isObject) return index;
  const key = text.slice(keyAt, endOfString(text, keyAt) + 1);
  try {
    return JSON.parse(key) as string; // a string, if the text is JSON up to here
  } catch {
    return key;
  }
}

function shorten(source: string): string {
  return source.length > SHOWN_LENGTH_MAX ? `${source.slice(0, SHOWN_LENGTH_MAX)}…` : source;
}
