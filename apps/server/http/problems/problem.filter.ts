// How does an error become an answer? Here alone. What a caller can mend is told to him; what he can't is
// logged under the id that he is given.
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { PinoLogger } from 'nestjs-pino';
import { databaseErrorKind, isDatabaseError, type DatabaseErrorKind } from '#database/error-kind.js';
import { ProblemError, type ProblemType } from './problem.js';

@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: PinoLogger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const problem = asProblem(error);
    if (problem.status >= 500) this.logger.error({ err: error, requestId: request.id }, problem.title);
    const { headers = {}, ...extras } = problem.extras;
    response
      .status(problem.status)
      .set(headers)
      .type('application/problem+json')
      .send(
        JSON.stringify({
          type: `/problems/${problem.type}`,
          title: problem.title,
          status: problem.status,
          code: problem.code,
          detail: problem.message,
          instance: request.originalUrl,
          traceId: request.id,
          ...extras,
        }),
      );
  }
}

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
/** Null for a statement that would be refused again: a bug of ours, since what callers send is checked before. */
const UNAVAILABLE: Readonly<Record<DatabaseErrorKind, string | null>> = {
  rejected: null,
  passing: 'the database could not do it now: it is full, busy, or was told to stop; it may do it later',
  lost: 'no primary of the database was reached; ask again, or ask another replica',
  unknown: 'the database did not answer; it may or may not have done what was asked',
};

function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const unread = error instanceof HttpException ? unreadBody(error.cause) : null;
  if (unread !== null) return unread;
  const status = statusOf(error);
  const type =
    status === null || status < 400 || status >= 500 ? undefined : (TYPE_OF_STATUS[status] ?? 'bad-request');
  if (type !== undefined) return new ProblemError(type, error instanceof Error ? error.message : 'refused');
  if (isDatabaseError(error)) {
    const detail = UNAVAILABLE[databaseErrorKind(error)];
    if (detail !== null)
      return new ProblemError('database-unavailable', detail, {
        headers: { 'retry-after': RETRY_AFTER_SECONDS },
      });
  }
  return new ProblemError('internal', 'an unexpected error; the trace id leads to it in the log');
}

/** What Express's body parser found; Nest wraps it in an exception of its own. */
export function unreadBody(cause: unknown): ProblemError | null {
  if (!(cause instanceof Error) || !('type' in cause)) return null;
  switch (cause.type) {
    case 'entity.parse.failed':
      return new ProblemError('malformed-json', `expected JSON, got something else: ${cause.message}`);
    case 'entity.too.large':
      return new ProblemError(
        'payload-too-large',
        `expected a body of at most ${'limit' in cause ? String(cause.limit) : ''} bytes, got more`,
      );
    default:
      return null;
  }
}

/** Nest's own exceptions, and those of Express's body parser, which only carry a number. */
function statusOf(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus();
  if (error instanceof Error && 'status' in error && typeof error.status === 'number') return error.status;
  return null;
}
