// A number of a query must be written in digits: coercion would also accept `1e2`, `0x10`, ` 5`, `true` and even an
// empty text.
import { z } from 'zod';

const DIGITS = /^-?\d+(\.\d+)?$/;

/** A text that is no number stays a text, which the schema refuses. */
export function inDigits<Schema extends z.ZodNumber>(schema: Schema) {
  return z.preprocess(
    (given) => (typeof given === 'string' && DIGITS.test(given) ? Number(given) : given),
    schema,
  );
}
