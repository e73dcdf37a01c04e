// Which texts of a query are numbers? Those that are written in digits: coercion would take `1e2`, `0x10`, ` 5`, `true`
// and even nothing at all for one.
import { z } from 'zod';

const DIGITS = /^-?\d+(\.\d+)?$/;

/** What is left a text here is refused by the schema. */
export function inDigits<Schema extends z.ZodNumber>(schema: Schema) {
  return z.preprocess(
    (given) => (typeof given === 'string' && DIGITS.test(given) ? Number(given) : given),
    schema,
  );
}
