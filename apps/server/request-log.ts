// Which requests get a line in the log? Those that failed, and all if the operator wants it. A request without a line costs
// nothing here but a look at its end: a logger for each request, with the request as text, is a good part of what a
// request costs.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import type { PinoLogger } from 'nestjs-pino';
import { systemClock } from '#database/runtime/system-clock.js';

const PROBE = /^\/healthz\//;

export function logRequests({ logger }: Pick<PinoLogger, 'logger'>): RequestHandler {
  return (request, response, next) => {
    const startMs = systemClock.monotonicMs();
    const log = (error?: Error): void => {
      const level = levelOf(request, response, error);
      if (!logger.isLevelEnabled(level)) return;
      const line = {
        req: request,
        res: response,
        responseTime: Math.round(systemClock.monotonicMs() - startMs),
      };
      const err = error ?? (response.statusCode >= 500 ? failed(response) : undefined);
      if (err !== undefined) logger[level]({ ...line, err }, 'request errored');
      else logger[level](line, response.writableEnded ? 'request completed' : 'request aborted');
    };
    const end = (): void => log();
    response.once('close', end);
    response.on('error', (error: Error) => {
      response.off('close', end);
      log(error);
    });
    next();
  };
}

/** A probe that gets "not ready" comes every few seconds, and the reason has been logged already. */
export function levelOf(
  { url = '' }: Pick<IncomingMessage, 'url'>,
  { statusCode }: Pick<ServerResponse, 'statusCode'>,
  error?: Error,
): 'error' | 'debug' {
  return (error !== undefined || statusCode >= 500) && !PROBE.test(url) ? 'error' : 'debug';
}

function failed({ statusCode }: ServerResponse): Error {
  return new Error(`failed with status code ${statusCode}`);
}
