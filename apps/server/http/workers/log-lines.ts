// Reads a worker's NDJSON: one JSON object a line; empty lines are skipped. An invalid line is reported by its number
// and the others are taken, so one bad line does not cost its request the good ones.
import { z } from 'zod';
import { parseExactJson } from '#kernel/json/exact-json.js';
import { jsonPointer } from '#kernel/json/json-pointer.js';
import { fieldErrors } from '../problems/field-errors.js';
import { invalidFields, ProblemError, type FieldError } from '../problems/problem.js';
import { findUnstorable } from '../requests/storable.js';
import { UnreadBody } from './unread-body.js';

const LINES_MAX = 1_000;
/** At most so many mistakes are reported. */
const TOLD_MAX = 50;

const logLine = z.strictObject({
  message: z.string().max(8_192),
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  time: z.iso.datetime({ offset: true }).optional().describe('Default: when the line arrives.'),
  seq: z.int().min(0).optional().describe("The worker's own count."),
  fields: z.record(z.string(), z.unknown()).optional(),
});
export type LogLineInput = z.output<typeof logLine>;

export interface LogLines {
  lines: LogLineInput[];
  /** Each pointer begins with the number of its line, counted from 1. */
  dropped: FieldError[];
}

/** Throws a problem when the body is too long, is no text, or has no valid line at all. */
export async function readLogLines(body: unknown, turn: () => Promise<void>): Promise<LogLines> {
  if (body instanceof UnreadBody) throw body.problem;
  if (typeof body !== 'string')
    throw new ProblemError(
      'unsupported-media-type',
      'expected a body of the type application/x-ndjson, got another',
    );
  await turn();
  const texts = linesOf(body);
  const read: LogLines = { lines: [], dropped: [] };
  for (const { text, number } of texts) {
    await turn();
    readLine(read, text, number);
  }
  if (read.dropped.length > 0 && read.lines.length === 0)
    throw invalidFields(read.dropped.slice(0, TOLD_MAX));
  return { ...read, dropped: read.dropped.slice(0, TOLD_MAX) };
}

/** Makes no list of all lines: a body of line breaks alone has a million of them. */
function linesOf(body: string): { text: string; number: number }[] {
  const texts: { text: string; number: number }[] = [];
  let count = 0;
  let number = 1;
  for (let start = 0; start < body.length; number += 1) {
    const end = body.indexOf('\n', start);
    const text = body.slice(start, end === -1 ? body.length : end);
    start = end === -1 ? body.length : end + 1;
    if (text.trim() === '') continue;
    count += 1;
    if (count <= LINES_MAX) texts.push({ text, number });
  }
  if (count > LINES_MAX)
    throw new ProblemError('payload-too-large', `expected at most ${LINES_MAX} lines, got ${count}`);
  return texts;
}

function readLine({ lines, dropped }: LogLines, text: string, number: number): void {
  const read = parseExactJson(text);
  if (read.kind === 'malformed') {
    const got = JSON.stringify(text.slice(0, 100).toWellFormed());
    dropped.push({ pointer: `/${number}`, detail: `expected JSON, got ${got}` });
    return;
  }
  const place = (path: readonly PropertyKey[]): string => jsonPointer([number, ...path]);
  if (read.kind === 'refused') {
    dropped.push({ pointer: place(read.path), detail: read.detail });
    return;
  }
  const { value } = read;
  const unstorable = findUnstorable(value);
  if (unstorable !== null) {
    dropped.push({ pointer: place(unstorable.path), detail: unstorable.detail });
    return;
  }
  const parsed = logLine.safeParse(value);
  if (parsed.success) lines.push(parsed.data);
  else dropped.push(...fieldErrors(parsed.error.issues, value, place));
}
