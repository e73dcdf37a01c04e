// Parses a JSON body without loss. It must be UTF-8 to the last byte, nested no deeper than every walk over it can
// take, and without a number that would be rounded. Any other body is refused, with the place of the fault, before
// other code sees it.
import { isUtf8 } from 'node:buffer';
import type { Request, RequestHandler } from 'express';
import { parseExactJson } from '#kernel/json/exact-json.js';
import { jsonPointer } from '#kernel/json/json-pointer.js';
import { invalidField, ProblemError } from '../problems/problem.js';
import { takesTurns, type NextTurn } from './body-turns.js';

/** Throws the problem of a body that is no JSON, or holds a value that can't be kept. */
export function parseBody(text: string): unknown {
  const read = parseExactJson(text);
  switch (read.kind) {
    case 'parsed':
      return read.value;
    case 'refused':
      throw invalidField(jsonPointer(read.path), read.detail);
    case 'malformed':
      throw new ProblemError('malformed-json', `expected JSON, got something else: ${read.message}`);
  }
}

export function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new ProblemError('malformed-json', 'expected JSON in UTF-8, got other bytes');
  const text = bytes.toString('utf8');
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

export interface SlowRequest extends Request {
  /** Must be awaited before each step over the body. Undefined for a small one. */
  nextTurn?: NextTurn;
}

/** Parses the bytes that were read. An empty body becomes `{}`. */
export const readJson: RequestHandler = async (request: SlowRequest, _response, next): Promise<void> => {
  const bytes: unknown = request.body;
  if (!Buffer.isBuffer(bytes)) return next();
  requireUtf8(request.headers['content-type']);
  const { nextTurn } = request;
  await nextTurn?.();
  request.body = bytes.length === 0 ? {} : parseBody(textOf(bytes));
  if (nextTurn !== undefined) takesTurns(request.body, nextTurn);
  next();
};

/** JSON is always UTF-8 (RFC 8259). */
export function requireUtf8(contentType: string | undefined): void {
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType ?? '') ?? [];
  if (!/^utf-?8$/i.test(charset))
    throw new ProblemError('unsupported-media-type', `expected JSON in UTF-8, got a body in ${charset}`);
}
