// How does a replica log? One JSON line an event; a line for a request only when it went wrong or when
// asked for, and never a key.
import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import { Logger, type Params } from 'nestjs-pino';
import type { ServerConfig } from './settings/config.js';

const PROBE = /^\/healthz\//;
const REQUEST_ID = /^[\w.-]{1,100}$/;

export function loggerOptions(config: ServerConfig): Params {
  return {
    pinoHttp: {
      level: config.CARILLON_LOG_LEVEL,
      base: { name: config.CARILLON_NAME, pid: process.pid },
      // Headers and queries hold keys under names that we don't know, so none of them is logged.
      serializers: {
        req: ({ id, method, url = '' }: { id: unknown; method: string; url?: string }) => ({
          id,
          method,
          path: loggedPath(url),
        }),
        res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
      },
      // A probe that is told "not ready" comes every few seconds, and what made it so has been logged already.
      customLogLevel: ({ url = '' }, response, error) =>
        (error !== undefined || response.statusCode >= 500) && !PROBE.test(url) ? 'error' : 'debug',
    },
  };
}

/** Without the query, and without what stands for a key in the path. */
export function loggedPath(url: string): string {
  const [path = ''] = url.split(/[?#]/, 1);
  return path.replace(/(\/leases\/)[^/:]+/i, '$1(token)');
}

/**
 * The caller's own id, if it has the form of one; it comes back with the answer either way. Comes before
 * everything else, since a body that can't be read wants an id, too.
 */
export function identifyRequest(request: Request, response: Response, next: NextFunction): void {
  const given = request.headers['x-request-id'];
  request.id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
  response.setHeader('X-Request-Id', request.id);
  next();
}

/** Nest tells every route and module that it sets up; that only helps to debug Nest. */
export class QuietNestLogger extends Logger {
  override log(message: unknown, ...details: unknown[]): void {
    super.debug(message, ...details);
  }
}
