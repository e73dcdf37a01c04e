// The options of a replica in an application: what becomes of them, and which are refused, by their own names.
import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '#client/jobs/job-definition.js';
import { handler } from '#client/jobs/handler.js';
import { replicaPlan, type CarillonReplicaOptions } from './replica-options.js';

const greet = defineJob({ name: 'greet', payload: z.unknown() });
const options: CarillonReplicaOptions = {
  databaseUrl: 'postgres://localhost/app',
  url: 'http://10.0.0.7:3000/carillon',
  api: { prefix: 'carillon/' },
};

it('are the settings, by their types', () => {
  const { config, prefix, url, handlers } = replicaPlan({
    ...options,
    maxRunning: 7,
    migrate: false,
    httpAllowedHosts: ['hooks.internal:8080', '10.0.0.7'],
    heartbeatMs: undefined,
    liveness: 'heartbeats',
    handlers: [handler(greet, () => 1)],
  });
  expect(config).toMatchObject({
    DATABASE_URL: options.databaseUrl,
    CARILLON_URL: url,
    CARILLON_MAX_RUNNING: 7,
    CARILLON_MIGRATE: false,
    CARILLON_LIVENESS: 'heartbeats',
    CARILLON_ROLES: ['scheduler', 'worker', 'api'],
  });
  expect(config.CARILLON_HTTP_ALLOWED_HOSTS).toHaveLength(2);
  expect(prefix).toBe('/carillon');
  expect(handlers).toHaveLength(1);
});

it('say which roles it has, of which the API is one of its own', () => {
  const { config, prefix } = replicaPlan({ ...options, api: false, roles: ['worker'] });
  expect(config.CARILLON_ROLES).toEqual(['worker']);
  expect(prefix).toBeNull();
});

const thread = handler(greet, () => '', { thread: true });
it.each([
  ['no database', { databaseUrl: undefined }, 'databaseUrl: '],
  [
    'another kind of API',
    { api: true },
    "expected api to be { prefix: '/carillon' } or another path, or false, got boolean",
  ],
  ['a prefix that is no path', { api: { prefix: '/' } }, 'got prefix "/"'],
  ['no URL', { url: undefined }, 'expected url to be where the API of this replica is reached, got nothing'],
  ['a URL that is none', { url: 'carillon' }, 'url: expected a URL'],
  ['a number out of bounds', { maxRunning: 0 }, 'maxRunning: expected at least 1, got "0"'],
  [
    'times that do not fit',
    { heartbeatMs: 1_000, deadAfterMs: 2_000 },
    'deadAfterMs: expected at least 3 times heartbeatMs (3000), got 2000',
  ],
  ['an unknown option', { maxRuning: 3 }, 'expected no option maxRuning; it is called maxRunning'],
  [
    'a port',
    { port: 8080 },
    'expected no option port of a replica inside of an application: the application itself listens',
  ],
  [
    'a pool',
    { pool: {} },
    'expected no option pool of a replica inside of an application: a replica sets up each of its connections',
  ],
  [
    'threads',
    { threads: 2 },
    'expected no option threads of a replica inside of an application: threads load their handlers from a folder',
  ],
  ['a handler for a thread', { handlers: [thread] }, 'expected handlers[0] (greet) without thread: true'],
  ['a folder of handlers', { handlers: '/handlers' }, 'expected handlers to be a list, got string'],
  ['roles as a text', { roles: 'worker' }, 'expected roles to be a list, got string'],
  [
    'a handler that is none',
    { handlers: ['/handlers'] },
    'expected handlers[0] to be made by handler(…), got string',
  ],
  ['the role of the API', { roles: ['api'] }, 'expected roles to have scheduler or worker, got api'],
])('%s is refused', (_what, wrong, message) => {
  // As from JavaScript.
  expect(() => replicaPlan({ ...options, ...(wrong as Partial<CarillonReplicaOptions>) })).toThrow(message);
});
