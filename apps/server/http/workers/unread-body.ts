// A heartbeat or log lines keep their lease even if their body can't be read: a worker that sends invalid JSON is
// still at work. So the error of the body parser takes the place of the body. The heartbeat's route reports it in its
// answer, and the route of log lines refuses it once the lease is kept. Every other route refuses such a body
// earlier, and no other error passes here.
import type { NextFunction, Request, Response } from 'express';
import { unreadBody } from '../problems/body-errors.js';
import { ProblemError } from '../problems/problem.js';

/** Takes the place of a body that could not be read. */
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
