// Is each option one that there is? A misspelt one would be dropped without a word, and its default hold. Options come
// from JavaScript, too, so the types are no answer to this.
import { nearName } from './near-names.js';

/** Throws TypeError that names the option, the one that was probably meant, and those that there are. */
export function expectKnownOptions(
  given: object,
  known: readonly string[],
  { prefix = '' }: { prefix?: string } = {},
): void {
  for (const option of Object.keys(given)) {
    if (known.includes(option)) continue;
    const meant = nearName(option, known);
    const hint = meant === undefined ? '' : `; it is called ${meant}`;
    throw new TypeError(`expected no option ${prefix}${option}${hint}; there are ${known.join(', ')}`);
  }
}

export function expectFunction(what: string, value: unknown): void {
  if (typeof value !== 'function')
    throw new TypeError(`expected ${what} to be a function, got ${value === null ? 'null' : typeof value}`);
}

/** Which of these options a definition must bring along to be one. */
export function expectDefinition(value: unknown): void {
  const { kind } = (value ?? {}) as { kind?: unknown };
  if (kind !== 'job-definition')
    throw new TypeError(
      `expected a definition made by defineJob(…), got ${value === null ? 'null' : typeof value}`,
    );
}
