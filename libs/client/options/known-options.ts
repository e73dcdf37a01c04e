// Refuses unknown options: a misspelt one would be ignored in silence, and its default would apply. Options may come
// from JavaScript, so the types do not prevent it.
import { nearName } from './near-names.js';

/** Throws a TypeError that names the unknown option, the one that was probably meant, and all known ones. */
export function expectKnownOptions(
  given: object,
  known: readonly string[],
  { prefix = '' }: { prefix?: string } = {},
): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TypeError(
      `expected ${prefix === '' ? 'options' : prefix.slice(0, -1)} to be an object, got ${kindOf(given)}`,
    );
  for (const option of Object.keys(given)) {
    if (known.includes(option)) continue;
    const meant = nearName(option, known);
    const hint = meant === undefined ? '' : `; it is called ${meant}`;
    throw new TypeError(`expected no option ${prefix}${option}${hint}; there are ${known.join(', ')}`);
  }
}

export function expectFunction(what: string, value: unknown): void {
  if (typeof value !== 'function')
    throw new TypeError(`expected ${what} to be a function, got ${kindOf(value)}`);
}

/** An option that may be left out. */
export function expectList(what: string, value: unknown): void {
  if (value !== undefined && !Array.isArray(value))
    throw new TypeError(`expected ${what} to be a list, got ${kindOf(value)}`);
}

/** Throws a TypeError for a value that defineJob did not make. */
export function expectDefinition(value: unknown): void {
  const { kind } = (value ?? {}) as { kind?: unknown };
  if (kind !== 'job-definition')
    throw new TypeError(`expected a definition made by defineJob(…), got ${kindOf(value)}`);
}

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value;
}
