// The log of a replica: one JSON line for each event. A request gets a line only when it failed or when the operator
// wants it, and keys are never logged.
import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import { Logger, type Params } from 'nestjs-pino';
import type { ServerConfig } from './settings/config.js';

const REQUEST_ID = /^[\w.-]{1,100}$/;

export function loggerOptions(config: ServerConfig): Params {
  return {
    pinoHttp: {
      level: config.CARILLON_LOG_LEVEL,
      base: { name: config.CARILLON_NAME, pid: process.pid },
      // Headers and queries hold keys under unknown names, so none of them is logged.
      serializers: {
        req: ({ id, method, url = '' }: { id: unknown; method: string; url?: string }) => ({
          id,
          method,
          path: loggedPath(url),
        }),
        res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
      },
    },
    // No logger for each request; request-log.ts writes their lines.
    forRoutes: [],
  };
}

/** The path without the query and without tokens. */
export function loggedPath(url: string): string {
  const [path = ''] = url.split(/[?#]/, 1);
  return path.replace(/(\/leases\/)[^/:]+/i, '$1(token)');
}

/**
 * Accepts the caller's own request id if it has a valid form, and returns it with the answer. Runs first, since a
 * request whose body can't be read needs an id, too.
 */
export function identifyRequest(request: Request, response: Response, next: NextFunction): void {
  const given = request.headers['x-request-id'];
  request.id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
  response.setHeader('X-Request-Id', request.id);
  next();
}

/** Nest logs every route and module that it sets up; that only helps to debug Nest. */
export class QuietNestLogger extends Logger {
  override log(message: unknown, ...details: unknown[]): void {
    super.debug(message, ...details);
  }
}
