// Turns a handler's log call into text and JSON that the database can hold. It is done at once, since the handler may
// change its objects right after, and cut to the size of a line. It never throws.
import type { LogLevel } from '#client/jobs/job-definition.js';
import { describeError } from '#client/jobs/thrown-error.js';
import { LINE_BYTES_MAX } from './decisions/log-bounds.js';
import { forJsonb } from '#execution/runs/stored-json.js';

export interface LineText {
  message: string;
  fieldsJson: string | null;
  bytes: number;
}

export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * Takes the arguments that pino takes: a text, or an object and a text; an error alone is a field `err` with its
 * message.
 */
export function lineOf(first: unknown, second?: unknown): LineText {
  if (typeof first !== 'object' || first === null) return fit(showText(first), null);
  const fields = first instanceof Error ? { err: first } : first;
  const message = second ?? (first instanceof Error ? describeError(first).message : '');
  return fit(showText(message), jsonOf(fields));
}

function fit(message: string, fieldsJson: string | null): LineText {
  const fieldBytes = fieldsJson === null ? 0 : Buffer.byteLength(fieldsJson);
  const bytes = Buffer.byteLength(message) + fieldBytes;
  if (bytes <= LINE_BYTES_MAX) return { message, fieldsJson, bytes };
  const cut = `expected at most ${LINE_BYTES_MAX} bytes in a line, got ${bytes}`;
  const areKept = fieldsJson !== null && fieldBytes <= LINE_BYTES_MAX / 2;
  const kept = JSON.stringify({ ...(areKept ? namedFields(fieldsJson) : {}), cut });
  const shortened = firstBytes(message, LINE_BYTES_MAX - Buffer.byteLength(kept));
  return { message: shortened, fieldsJson: kept, bytes: LINE_BYTES_MAX };
}

/** A value without field names, such as a list, gets one, so that the mark has room beside it. */
function namedFields(fieldsJson: string): object {
  const fields: unknown = JSON.parse(fieldsJson);
  return typeof fields === 'object' && !Array.isArray(fields) ? { ...fields } : { value: fields };
}

/** As many whole characters as fit. */
function firstBytes(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) return text;
  let end = bytesMax;
  while (end > 0 && ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** Any value, as text that can be stored. */
export function showText(value: unknown): string {
  try {
    return String(value).toWellFormed().replaceAll('\0', '\uFFFD');
  } catch {
    return `a ${typeof value} that can not be shown`;
  }
}

function jsonOf(fields: unknown): string {
  try {
    const json: string | undefined = JSON.stringify(fields, showOdd);
    return forJsonb(json ?? 'null');
  } catch (error) {
    return forJsonb(JSON.stringify({ unfit: describeError(error).message }));
  }
}

/** Errors have no fields that JSON sees, and a bigint is no JSON; both are common in logs. */
function showOdd(_name: string, value: unknown): unknown {
  if (value instanceof Error) return describeError(value);
  return typeof value === 'bigint' ? String(value) : value;
}
