// Is the body of a supported type? Express would leave a body of another type unread, as if there were none, so it is
// refused before any route sees the request.
import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { ProblemError } from '../problems/problem.js';

const JSON_TYPES = ['application/json', 'application/merge-patch+json'];
/** One JSON value a line; accepted for log lines, and refused by the schema everywhere else. */
export const LINES_TYPE = 'application/x-ndjson';

export function requireJson(request: Request, _response: Response, next: NextFunction): void {
  // Nearly every body bears this and nothing more, which needs no parsing.
  if (request.headers['content-type'] === 'application/json') return next();
  if (!hasBody(request) || request.is(JSON_TYPES) !== false) return next();
  if (request.is(LINES_TYPE) !== false && request.path.endsWith('/logs')) return next();
  const got = request.headers['content-type'] ?? 'none';
  next(
    new ProblemError(
      'unsupported-media-type',
      `expected a body of the type ${JSON_TYPES.join(' or ')}, got ${got}`,
    ),
  );
}

export function isJson(request: IncomingMessage): boolean {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  return JSON_TYPES.includes(type.trim().toLowerCase());
}

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
