// Which requests are worth a line in the log of errors?
import { describe, expect, it } from 'vitest';
import { readConfig } from './config.js';
import { loggerOptions } from './log.js';

type Level = (request: { url: string }, response: { statusCode: number }, error?: Error) => string;

function levelOf(url: string, statusCode: number, error?: Error): string {
  const { pinoHttp } = loggerOptions(readConfig({ DATABASE_URL: 'postgres://h/d' }));
  const { customLogLevel } = pinoHttp as unknown as { customLogLevel: Level }; // an object, and it has one
  return customLogLevel({ url }, { statusCode }, error);
}

describe('a request', () => {
  it.each([
    ['/api/v1/tenants', 500, 'error'],
    ['/api/v1/tenants', 503, 'error'],
    ['/api/v1/tenants', 404, 'debug'],
    ['/healthz/ready', 503, 'debug'],
    ['/healthz/ready?verbose', 503, 'debug'],
    ['/healthz/live', 200, 'debug'],
  ])('for %s that is answered with %s is logged as %s', (url, status, level) => {
    expect(levelOf(url, status)).toBe(level);
  });

  it('that broke is logged as an error', () => {
    expect(levelOf('/api/v1/tenants', 200, new Error('broke'))).toBe('error');
  });
});
