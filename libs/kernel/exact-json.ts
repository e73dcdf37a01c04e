// What does a JSON text say, to the last digit? JSON's integers have no end and JavaScript's numbers have: JSON.parse
// rounds 9007199254740993 and makes Infinity of 1e400 without a word, and what is nested without end overflows the
// stack of the next function that walks over it. Such texts are refused here, with the place. A fraction is what the
// nearest double is, as everywhere else, since no program expects more of 0.1. Texts without a suspicious number, nearly
// all, cost one pass of a regular expression more than JSON.parse.

export const NESTING_MAX = 100;

export type ExactJson =
  | { kind: 'parsed'; value: unknown }
  /** Not JSON; `message` says where. */
  | { kind: 'malformed'; message: string }
  /** JSON, but it can't be kept as it came. `path` leads to the place; `detail` says what was expected and what was got. */
  | { kind: 'refused'; path: PropertyKey[]; detail: string };

/** Integers that may be beyond the doubles' 53 bits, and exponents that may be beyond their range; perhaps in a string. */
const SUSPICIOUS = /(?:^|[[:,\s])-?(?:\d{16}|\d+(?:\.\d+)?[eE]\+?\d{3})/;
const SHOWN_LENGTH_MAX = 60;

export function parseExactJson(text: string): ExactJson {
  // Before it is parsed: JSON.parse takes any depth, and its result overflows stacks elsewhere.
  const deep = isTooDeep(text) ? firstFault(text, () => false) : null;
  if (deep !== null) return deep;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: 'malformed', message: error instanceof Error ? error.message : String(error) };
  }
  if (!SUSPICIOUS.test(text)) return { kind: 'parsed', value };
  return firstFault(text, isInexact) ?? { kind: 'parsed', value };
}

/** Of a number as JSON writes it. */
function isInexact(source: string): boolean {
  if (!Number.isFinite(Number(source))) return true;
  return /^-?\d{16,}$/.test(source) && digitsOf(Number(source)) !== source;
}

/** An integer without an exponent; what JavaScript itself writes of a double is what any JSON library will read. */
function digitsOf(integer: number): string {
  const [mantissa = '', exponent] = String(integer).split('e+');
  if (exponent === undefined) return mantissa;
  const [whole = '', fraction = ''] = mantissa.split('.');
  return whole + fraction.padEnd(Number(exponent), '0');
}

/** Looks at each character once and remembers nothing, since it is asked of every text. */
export function isTooDeep(text: string): boolean {
  if (text.length <= NESTING_MAX) return false;
  let depth = 0;
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place);
    // In this order: " [ { ] }
    if (code === 0x22) place = endOfString(text, place);
    else if (code === 0x5b || code === 0x7b) depth += 1;
    else if (code === 0x5d || code === 0x7d) depth -= 1;
    if (depth > NESTING_MAX) return true;
  }
  return false;
}

/** Where the string that begins here has its closing quote. */
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

/** A string, a number, or a bracket or separator; words like `true` are of no interest. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\]:,]/gs;

interface Open {
  isObject: boolean;
  index: number;
  key: string | null;
}

function firstFault(
  text: string,
  isFaulty: (source: string) => boolean,
): (ExactJson & { kind: 'refused' }) | null {
  const open: Open[] = [];
  let string = '""';
  for (const [token] of text.matchAll(TOKEN)) {
    const at = open.at(-1);
    const [first = ''] = token;
    if (first === '"') string = token;
    else if (first === '{' || first === '[') {
      if (open.length >= NESTING_MAX)
        return refused(open, `expected at most ${NESTING_MAX} levels of nesting, got more`);
      open.push({ isObject: first === '{', index: 0, key: null });
    } else if (first === '}' || first === ']') open.pop();
    else if (first === ':' && at !== undefined) at.key = string;
    else if (first === ',' && at !== undefined) at.index += 1;
    else if (first !== ':' && first !== ',' && isFaulty(token))
      return refused(open, `expected a number that a double holds exactly, got ${shorten(token)}`);
  }
  return null;
}

function refused(open: readonly Open[], detail: string): ExactJson & { kind: 'refused' } {
  return { kind: 'refused', path: open.map(stepOf), detail };
}

function stepOf({ isObject, index, key }: Open): PropertyKey {
  if (!isObject) return index;
  try {
    return JSON.parse(key ?? '""') as string; // the pattern lets strings through alone
  } catch {
    return key ?? '';
  }
}

function shorten(source: string): string {
  return source.length > SHOWN_LENGTH_MAX ? `${source.slice(0, SHOWN_LENGTH_MAX)}…` : source;
}
