// How does a replica log? One JSON line an event; a line for a request only when it went wrong or when
// asked for, and never a key.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Logger, type Params } from 'nestjs-pino';
import type { ServerConfig } from './config.js';

const REQUEST_ID = /^[\w.-]{1,100}$/;

export function loggerOptions(config: ServerConfig): Params {
  return {
    pinoHttp: {
      level: config.CARILLON_LOG_LEVEL,
      base: { replica: config.CARILLON_NAME, pid: process.pid },
      redact: ['req.headers.authorization', 'req.headers.cookie'],
      genReqId: (request, response) => requestId(request, response),
      customLogLevel: (_request, response, error) => (error !== undefined || response.statusCode >= 500 ? 'error' : 'debug'),
    },
  };
}

/** The caller's own id, if it has the form of one; it comes back with the answer either way. */
function requestId(request: IncomingMessage, response: ServerResponse): string {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
  response.setHeader('X-Request-Id', id);
  return id;
}

/** Nest tells every route and module that it sets up; that is of use to whoever debugs Nest. */
export class QuietNestLogger extends Logger {
  override log(message: unknown, ...details: unknown[]): void {
    super.debug(message, ...details);
  }
}
