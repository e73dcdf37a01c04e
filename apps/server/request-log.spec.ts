// What is written about a request at its end?
import { EventEmitter } from 'node:events';
import type { Request, Response } from 'express';
import { pino, type Level } from 'pino';
import { expect, it } from 'vitest';
import { loggerOptions } from './log.js';
import { logRequests } from './request-log.js';
import { readConfig } from './settings/config.js';

const URL = '/api/v1/tenants/acme/worker/leases/secret:complete?key=secret';

/** The lines of a request that ends so. */
function linesOf(level: Level, answer: { statusCode: number; writableEnded?: boolean; broke?: Error }) {
  const { pinoHttp } = loggerOptions(
    readConfig({ DATABASE_URL: 'postgres://h/d', CARILLON_LOG_LEVEL: level }),
  );
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const logger = pino(pinoHttp as object, { write });
  const request = { id: 'a', method: 'POST', url: URL, originalUrl: URL, headers: {}, socket: {} };
  const response = Object.assign(new EventEmitter(), { writableEnded: true, ...answer });
  logRequests({ logger })(request as unknown as Request, response as unknown as Response, () => undefined);
  if (answer.broke !== undefined) response.emit('error', answer.broke);
  response.emit('close');
  return lines;
}

const req = { id: 'a', method: 'POST', path: '/api/v1/tenants/acme/worker/leases/(token):complete' };

it('nothing, unless it failed or all are wanted', () => {
  expect(linesOf('info', { statusCode: 200 })).toEqual([]);
  expect(linesOf('info', { statusCode: 404 })).toEqual([]);
  expect(linesOf('debug', { statusCode: 200 })).toMatchObject([
    { level: 20, req, res: { statusCode: 200 }, msg: 'request completed' },
  ]);
});

it('that its caller has hung up', () => {
  expect(linesOf('debug', { statusCode: 200, writableEnded: false })).toMatchObject([
    { msg: 'request aborted' },
  ]);
});

it('why it failed, once', () => {
  expect(linesOf('info', { statusCode: 503 })).toMatchObject([
    {
      level: 50,
      req,
      res: { statusCode: 503 },
      err: { message: 'failed with status code 503' },
      msg: 'request errored',
    },
  ]);
  expect(linesOf('info', { statusCode: 200, broke: new Error('broke') })).toMatchObject([
    { level: 50, req, err: { message: 'broke' }, msg: 'request errored' },
  ]);
});

it('nothing that may be a key', () => {
  expect(JSON.stringify(linesOf('debug', { statusCode: 500 }))).not.toContain('secret');
});
