// What becomes of a heartbeat whose body can't be read? It keeps its lease all the same: a worker that says where it is
// in words that are no JSON is at work. So what the body parsers say of such a body becomes its body, and the route
// names it in its answer. Every other route refuses such a body, and nothing else that is refused gets past this.
import type { NextFunction, Request, Response } from 'express';
import { unreadBody } from '../problems/problem.filter.js';
import { ProblemError } from '../problems/problem.js';

/** Stands where a body would. */
export class UnreadBody {
  constructor(readonly detail: string) {}
}

const BEAT_PATH = /^\/api\/v1\/tenants\/[^/]+\/worker\/leases\/[^/]+:heartbeat$/;

export function admitUnreadBeats(
  error: unknown,
  request: Request,
  _response: Response,
  next: NextFunction,
): void {
  const problem = unreadBody(error) ?? (isOfBody(error) ? error : null);
  if (problem === null || !BEAT_PATH.test(request.path)) return next(error);
  request.body = new UnreadBody(problem.message);
  next();
}

function isOfBody(error: unknown): error is ProblemError {
  return (
    error instanceof ProblemError &&
    ['unsupported-media-type', 'malformed-json', 'validation-failed'].includes(error.type)
  );
}
