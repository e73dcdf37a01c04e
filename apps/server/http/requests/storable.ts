// Which values can be stored unchanged? PostgreSQL's text and jsonb hold neither NUL characters nor halves of
// surrogate pairs, a number beyond the doubles would come back as null, a JavaScript object would lose `__proto__`,
// and endless nesting overflows a stack. Such values are refused in every body, because an acknowledged value must be
// the stored one.
import { NESTING_MAX } from '#kernel/json/exact-json.js';
import { show } from '../problems/field-errors.js';

export interface Unstorable {
  path: PropertyKey[];
  /** What was expected and what was got. */
  detail: string;
}

/** The first part of a parsed JSON value that can't be kept, or null. */
export function findUnstorable(value: unknown, depth = 0): Unstorable | null {
  if (typeof value === 'string')
    return isStorableText(value)
      ? null
      : unstorable('text without NUL characters or lone surrogates', show(value));
  if (typeof value === 'number')
    return Number.isFinite(value) ? null : unstorable('a number that fits into a double', String(value));
  if (typeof value !== 'object' || value === null) return null;
  if (depth >= NESTING_MAX) return unstorable(`at most ${NESTING_MAX} levels of nesting`, 'more');
  return Array.isArray(value) ? unstorableIn(value, depth) : unstorableOf(value, depth);
}

/** Element by element: making a hundred thousand pairs of index and element costs more than checking them. */
function unstorableIn(elements: readonly unknown[], depth: number): Unstorable | null {
  for (let index = 0; index < elements.length; index += 1) {
    const found = findUnstorable(elements[index], depth + 1);
    if (found !== null) return { ...found, path: [String(index), ...found.path] };
  }
  return null;
}

function unstorableOf(fields: object, depth: number): Unstorable | null {
  for (const [key, part] of Object.entries(fields)) {
    const found = isStorableKey(key)
      ? findUnstorable(part, depth + 1)
      : unstorable('a field with another name', show(key));
    if (found !== null) return { ...found, path: [key, ...found.path] };
  }
  return null;
}

function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function isStorableKey(key: string): boolean {
  return isStorableText(key) && key !== '__proto__';
}

function unstorable(expected: string, got: string): Unstorable {
  return { path: [], detail: `expected ${expected}, got ${got}` };
}
