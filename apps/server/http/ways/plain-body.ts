// How is the body of nearly every request read? It is small, JSON, neither compressed nor cut into chunks, and says how long
// it is; so its bytes are joined, and nothing needs to be counted, unpacked or limited. Express's parsers read all others.
import type { Request } from 'express';
import { ProblemError } from '../problems/problem.js';
import { isJson } from '../requests/media-type.js';
import type { Way } from './steps.js';

const LENGTH_MAX = 64 * 1024;

/** Reads such a body, and then takes the way for requests that have no other; all others go on. */
export function readPlainBody(way: Way): Way {
  return (request, response, next) => {
    const { headers } = request;
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined)
      return way(request, response, next);
    // One whose caller has hung up meanwhile says no more, and is not to be carried out as if it had no body.
    if (request.destroyed) return next(brokenOff());
    if (!isJson(request) || !isPlain(headers)) return next();
    gather(request, (error) => {
      if (error === undefined) way(request, response, next);
      else next(error);
    });
  };
}

function isPlain(headers: Request['headers']): boolean {
  const { 'content-length': length, 'content-encoding': encoding, 'transfer-encoding': transfer } = headers;
  return transfer === undefined && encoding === undefined && Number(length) <= LENGTH_MAX;
}

/** Node sees to it that as many bytes come as were announced, or closes the request. */
function gather(request: Request, then: (error?: ProblemError) => void): void {
  const parts: Buffer[] = [];
  const keep = (part: Buffer): void => void parts.push(part);
  const stop = (): void => {
    request.off('data', keep).off('end', end).off('error', breakOff).off('close', breakOff);
  };
  const end = (): void => {
    stop();
    request.body = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    then();
  };
  const breakOff = (): void => {
    stop();
    then(brokenOff());
  };
  request.on('data', keep).on('end', end).on('error', breakOff).on('close', breakOff);
}

function brokenOff(): ProblemError {
  return new ProblemError('bad-request', 'expected all of the body, got a closed connection');
}
