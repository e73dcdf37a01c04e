// What becomes of a heartbeat, or of log lines, whose body can't be read? They keep their lease all the same: a worker
// that says where it is in words that are no JSON is at work. So what the body parsers say of such a body becomes its
// body; the heartbeat's route names it in its answer, that of log lines refuses it once the lease is kept. Every other
// route refuses such a body before, and nothing else that is refused gets past this.
import type { NextFunction, Request, Response } from 'express';
import { unreadBody } from '../problems/body-errors.js';
import { ProblemError } from '../problems/problem.js';

/** Stands where a body would. */
export class UnreadBody {
  constructor(readonly problem: ProblemError) {}
}

const BEAT_PATH = /^\/api\/v1\/tenants\/[^/]+\/worker\/leases\/[^/]+(:heartbeat|\/logs)$/;

export function admitUnreadBeats(
  error: unknown,
  request: Request,
  _response: Response,
  next: NextFunction,
): void {
  const problem = unreadBody(error, request) ?? (isOfBody(error) ? error : null);
  if (problem === null || !BEAT_PATH.test(request.path)) return next(error);
  request.body = new UnreadBody(problem);
  next();
}

function isOfBody(error: unknown): error is ProblemError {
  return (
    error instanceof ProblemError &&
    ['unsupported-media-type', 'malformed-json', 'validation-failed'].includes(error.type)
  );
}
