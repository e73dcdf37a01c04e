// Is a mistyped setting told from what Kubernetes injects, and is the right name close at hand?
import { expect, it } from 'vitest';
import { readConfig } from './config.js';
import { unknownNames, withoutServices } from './setting-names.js';

const DATABASE_URL = 'postgres://localhost/carillon';

it('a Service named carillon keeps no replica from starting, and its port is not taken for ours', () => {
  const injected = {
    CARILLON_SERVICE_HOST: '10.0.0.7',
    CARILLON_SERVICE_PORT: '8080',
    CARILLON_SERVICE_PORT_HTTP: '8080',
    CARILLON_PORT: 'tcp://10.0.0.7:8080',
    CARILLON_PORT_8080_TCP: 'tcp://10.0.0.7:8080',
    CARILLON_PORT_8080_TCP_PROTO: 'tcp',
    CARILLON_PORT_8080_TCP_PORT: '8080',
    CARILLON_PORT_8080_TCP_ADDR: '10.0.0.7',
    CARILLON_API_SERVICE_HOST: '10.0.0.8',
    CARILLON_API_PORT: 'udp://10.0.0.8:53',
  };
  expect(withoutServices(injected)).toEqual({});
  expect(readConfig({ DATABASE_URL, ...injected }).CARILLON_PORT).toBe(8_080);
  expect(readConfig({ DATABASE_URL, ...injected, CARILLON_PORT: '9090' }).CARILLON_PORT).toBe(9_090);
});

it('a port that is no number is refused unless it is a Service', () => {
  expect(() => readConfig({ DATABASE_URL, CARILLON_PORT: 'http://x' })).toThrow(/CARILLON_PORT/);
});

it.each([
  ['CARILLON_PROT', 'CARILLON_PORT'],
  ['CARILLON_HTTP_ALLOWED_HOST', 'CARILLON_HTTP_ALLOWED_HOSTS'],
  ['CARILLON_HEARTBEATS_MS', 'CARILLON_HEARTBEAT_MS'],
])('%s is refused with the name that was meant', (name, meant) => {
  expect(() => readConfig({ DATABASE_URL, [name]: 'x' })).toThrow(`${name} (did you mean ${meant}?)`);
});

it('a name of an earlier version is refused with the name of now', () => {
  expect(() => readConfig({ DATABASE_URL, CARILLON_LEASE_MS: '5000' })).toThrow(
    'CARILLON_LEASE_MS (it is called CARILLON_DEAD_AFTER_MS now)',
  );
  expect(() => readConfig({ DATABASE_URL, CARILLON_LIVENESS: 'leases' })).toThrow(
    'CARILLON_LIVENESS: expected "sessions" or "heartbeats"; "leases" is called "heartbeats" now, got "leases"',
  );
});

it('a name that is like none of ours is refused by itself', () => {
  expect(unknownNames({ CARILLON_COLOUR_OF_THE_WALL: 'red', HOME: '/' }, ['CARILLON_PORT'])).toEqual([
    'CARILLON_COLOUR_OF_THE_WALL',
  ]);
});
