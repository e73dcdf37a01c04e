// What does a worker's NDJSON say? One JSON object a line; empty lines are passed over. A line that is anything else
// is named by its number.
import { z } from 'zod';
import { parseExactJson } from '#kernel/exact-json.js';
import { fieldErrors, jsonPointer } from './field-errors.js';
import { invalidField, invalidFields, ProblemError } from './problem.js';
import { findUnstorable } from './storable.js';

const LINES_MAX = 1_000;

const logLine = z.strictObject({
  message: z.string().max(8_192),
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  time: z.iso.datetime({ offset: true }).optional().describe('Default: when it comes in.'),
  seq: z.int().min(0).optional().describe("The worker's own count."),
  fields: z.record(z.string(), z.unknown()).optional(),
});
export type LogLineInput = z.output<typeof logLine>;

/** Throws a problem that names the line, counted from 1. */
export function readLogLines(body: unknown): LogLineInput[] {
  if (typeof body !== 'string')
    throw new ProblemError(
      'unsupported-media-type',
      'expected a body of the type application/x-ndjson, got another',
    );
  const lines = body
    .split('\n')
    .flatMap((text, index) => (text.trim() === '' ? [] : [{ text, number: index + 1 }]));
  if (lines.length > LINES_MAX)
    throw new ProblemError('payload-too-large', `expected at most ${LINES_MAX} lines, got ${lines.length}`);
  return lines.map(({ text, number }) => readLine(text, number));
}

function readLine(text: string, number: number): LogLineInput {
  const read = parseExactJson(text);
  if (read.kind === 'malformed')
    throw new ProblemError(
      'malformed-json',
      `line ${number}: expected JSON, got ${JSON.stringify(text.slice(0, 100))}`,
    );
  if (read.kind === 'refused') throw invalidField(`/${number}${jsonPointer(read.path)}`, read.detail);
  const { value } = read;
  const unstorable = findUnstorable(value);
  if (unstorable !== null) throw invalidField(`/${number}`, unstorable.detail);
  const parsed = logLine.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidFields(
    fieldErrors(parsed.error.issues, value, (path) => `/${[number, ...path].map(String).join('/')}`),
  );
}
