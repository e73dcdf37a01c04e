// What may be stored as JSON? Everything that JSON can express and jsonb can hold: no cycles, no NUL characters, no halves
// of surrogate pairs. NUL characters and such halves are replaced, since one of them in one output must not keep a
// whole batch of finished runs out of the history. A value that is nested deeper than the API takes is unfit: each
// later reader walks over it, and would overflow its stack.
import { describeError } from '#client/jobs/thrown-error.js';
import { isTooDeep, NESTING_MAX } from '#kernel/json/exact-json.js';

const STORED_BYTES_MAX = 256 * 1024;
/**
 * An escape that jsonb refuses, or an escaped backslash, which is skipped. Of surrogates, JSON escapes only halves of
 * pairs.
 */
const ESCAPES = /\\(\\|u0000|ud[89a-f][0-9a-f]{2})/gi;

export type Encoded = { kind: 'encoded'; json: string } | { kind: 'unfit'; reason: string };

const NOTHING: Encoded = { kind: 'encoded', json: 'null' };

export function encodeJson(value: unknown): Encoded {
  if (value === null) return NOTHING; // most have no output: saves 0.2 µs a run
  try {
    // Undefined for functions and symbols, which JSON leaves out; `JSON.stringify` is not typed to say so.
    const json = (JSON.stringify(value) as string | undefined) ?? 'null';
    if (Buffer.byteLength(json) > STORED_BYTES_MAX) {
      return {
        kind: 'unfit',
        reason: `expected at most ${STORED_BYTES_MAX} bytes of JSON, got ${Buffer.byteLength(json)}`,
      };
    }
    if (isTooDeep(json))
      return { kind: 'unfit', reason: `expected at most ${NESTING_MAX} levels of nesting, got more` };
    return { kind: 'encoded', json: forJsonb(json) };
  } catch (error) {
    return {
      kind: 'unfit',
      reason: `expected a value that JSON can express, got ${describeError(error).message}`,
    };
  }
}

/** The JSON text with each character that jsonb refuses replaced by U+FFFD. */
export function forJsonb(json: string): string {
  return json.replace(ESCAPES, (escape, escaped) => (escaped === '\\' ? escape : '\uFFFD'));
}
