// The one place that turns an error into an answer. Errors that the caller can mend are explained to it; others are
// logged under the request id that the answer carries.
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { PinoLogger } from 'nestjs-pino';
import {
  databaseErrorKind,
  isDatabaseError,
  isLockTimeout,
  type DatabaseErrorKind,
} from '#database/error-kind.js';
import { KeysHeld } from '#execution/intake/unique-keys.js';
import { ProblemError, problemBody, PROBLEM_MEDIA_TYPE, type ProblemType } from './problem.js';
import { unreadBody } from './body-errors.js';

@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: PinoLogger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const problem = asProblem(error, request);
    if (problem.status >= 500)
      this.logger.error({ req: request, err: error, requestId: request.id }, problem.title);
    // Of what the handler had made before it failed, or before its transaction did.
    for (const name of OF_SUCCESS) response.removeHeader(name);
    const body = problemBody(problem, { instance: request.originalUrl, requestId: request.id });
    response
      .status(problem.status)
      .set(problem.extras.headers ?? {})
      .type(PROBLEM_MEDIA_TYPE)
      .send(JSON.stringify(body));
  }
}

const OF_SUCCESS = ['Location', 'ETag', 'Carillon-Owner', 'Idempotency-Replayed'];

const TYPE_OF_STATUS: Readonly<Record<number, ProblemType>> = {
  400: 'bad-request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  413: 'payload-too-large',
  415: 'unsupported-media-type',
};

const RETRY_AFTER_SECONDS = '2';
/** Null where the same statement would be refused again: a bug of ours, since the input is checked before. */
const UNAVAILABLE: Readonly<Record<DatabaseErrorKind, string | null>> = {
  rejected: null,
  passing: 'the database could not serve the request: it is full, busy or shutting down; try again later',
  lost: 'no primary of the database was reached; try again, or try another replica',
  unknown: 'the database did not answer; the request may or may not have taken effect',
};

function asProblem(error: unknown, request: Request): ProblemError {
  if (error instanceof ProblemError) return error;
  const unread = unreadBody(error instanceof HttpException ? error.cause : error, request);
  if (unread !== null) return unread;
  const status = statusOf(error);
  const type =
    status === null || status < 400 || status >= 500 ? undefined : (TYPE_OF_STATUS[status] ?? 'bad-request');
  if (type !== undefined)
    return new ProblemError(
      type,
      mislaid(request, type) ?? (error instanceof Error ? error.message : 'refused'),
    );
  if (isLockTimeout(error) || error instanceof KeysHeld)
    return new ProblemError(
      'request-in-progress',
      'expected the unique keys and runs of the request to be free within seconds, got another request or transaction that holds one of them; try again when it has ended',
      { headers: { 'retry-after': RETRY_AFTER_SECONDS } },
    );
  if (isDatabaseError(error)) {
    const detail = UNAVAILABLE[databaseErrorKind(error)];
    if (detail !== null)
      return new ProblemError('database-unavailable', detail, {
        headers: { 'retry-after': RETRY_AFTER_SECONDS },
      });
  }
  return new ProblemError('internal', 'an unexpected error; find it in the log by the request id');
}

/** The fault of the path, since the router's own message does not say what it expected. */
function mislaid({ path }: Request, type: ProblemType): string | null {
  return (
    unreadPath(path) ?? (type === 'not-found' ? `expected a path that is served here, got ${path}` : null)
  );
}

/** What is wrong with a path that can't be decoded. */
export function unreadPath(path: string): string | null {
  try {
    decodeURIComponent(path);
    return null;
  } catch {
    return `expected a path whose percent-escapes are UTF-8, got ${path}`;
  }
}

/** Nest's exceptions carry a status, and so do the errors of Express's body parser. */
function statusOf(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus();
  if (error instanceof Error && 'status' in error && typeof error.status === 'number') return error.status;
  return null;
}
