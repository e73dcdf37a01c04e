// Which requests are worth a line in the log of errors?
import { describe, expect, it } from 'vitest';
import { readConfig } from './settings/config.js';
import { loggedPath, loggerOptions } from './log.js';
import { levelOf } from './request-log.js';

describe('a request', () => {
  it.each([
    ['/api/v1/tenants', 500, 'error'],
    ['/api/v1/tenants', 503, 'error'],
    ['/api/v1/tenants', 404, 'debug'],
    ['/healthz/ready', 503, 'debug'],
    ['/healthz/ready?verbose', 503, 'debug'],
    ['/healthz/live', 200, 'debug'],
  ])('for %s that is answered with %s is logged as %s', (url, status, level) => {
    expect(levelOf({ url }, { statusCode: status })).toBe(level);
  });

  it('that broke is logged as an error', () => {
    expect(levelOf({ url: '/api/v1/tenants' }, { statusCode: 200 }, new Error('broke'))).toBe('error');
  });
});

describe('the line about a request', () => {
  it('has its method, its path and its id, and nothing that may be a key', () => {
    const { pinoHttp } = loggerOptions(readConfig({ DATABASE_URL: 'postgres://h/d' }));
    const { serializers } = pinoHttp as unknown as {
      serializers: Record<'req' | 'res', (part: object) => object>; // an object, and it has them
    };
    const headers = { 'x-api-key': 'secret', 'proxy-authorization': 'secret' };
    const url = '/api/v1/tenants/acme/worker/leases/secret:complete?key=secret';
    expect(serializers.req({ id: 'a', method: 'POST', url, headers, query: { key: 'secret' } })).toEqual({
      id: 'a',
      method: 'POST',
      path: '/api/v1/tenants/acme/worker/leases/(token):complete',
    });
    expect(serializers.res({ statusCode: 200, headers })).toEqual({ statusCode: 200 });
  });

  it.each([
    ['/api/v1/t/acme/worker/leases/secret/logs?x', '/api/v1/t/acme/worker/leases/(token)/logs'],
    ['/API/V1/t/acme/worker/LEASES/secret', '/API/V1/t/acme/worker/LEASES/(token)'],
    ['/api/v1/t/acme/worker/leases:acquire', '/api/v1/t/acme/worker/leases:acquire'],
    ['/healthz/live', '/healthz/live'],
  ])('shows of %s only %s', (url, path) => {
    expect(loggedPath(url)).toBe(path);
  });
});
