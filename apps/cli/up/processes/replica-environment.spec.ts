// Does what a person sets for his replicas reach them, and nothing else?
import { describe, expect, it } from 'vitest';
import { refuseUnknownSettings, replicaEnvironment } from './replica-environment.js';

const OURS = {
  databaseUrl: 'postgres://ours',
  adminKey: 'sk_admin_ours',
  sideLog: 'side.log',
  receiver: '127.0.0.1:8090',
};

describe('the environment of a replica that up starts', () => {
  it('has the settings that a person has made', () => {
    const environment = replicaEnvironment(
      { PATH: '/bin', CARILLON_HANDLERS: '/jobs', CARILLON_MAX_RUNNING: '7', CARILLON_DRAIN_SECONDS: '3' },
      OURS,
    );
    expect(environment).toMatchObject({
      PATH: '/bin',
      CARILLON_HANDLERS: '/jobs',
      CARILLON_MAX_RUNNING: '7',
      CARILLON_DRAIN_SECONDS: '3',
    });
  });

  it('lets HTTP targets reach the hosts that he allows, and the demo', () => {
    const { CARILLON_HTTP_ALLOWED_HOSTS } = replicaEnvironment(
      { CARILLON_HTTP_ALLOWED_HOSTS: 'hooks.internal' },
      OURS,
    );
    expect(CARILLON_HTTP_ALLOWED_HOSTS?.split(',')).toEqual(['127.0.0.1:8090', 'hooks.internal']);
    const withoutDemo = replicaEnvironment({}, { ...OURS, receiver: null });
    expect(withoutDemo['CARILLON_HTTP_ALLOWED_HOSTS']?.split(',').filter((host) => host !== '')).toEqual([]);
  });

  it.each([
    'CARILLON_KEY',
    'CARILLON_TENANT',
    'CARILLON_NAME',
    'CARILLON_PORT',
    'CARILLON_URL',
    'CARILLON_PUBLIC_URL',
    'CARILLON_ROLES',
  ])('leaves out %s, which is meant for somebody else or ours to say', (name) => {
    expect(replicaEnvironment({ [name]: 'x' }, OURS)).not.toHaveProperty(name);
  });

  it('has our own database and key, whatever was set', () => {
    const environment = replicaEnvironment(
      { DATABASE_URL: 'postgres://his', CARILLON_ADMIN_KEY: 'his', CARILLON_MIGRATE: 'true' },
      OURS,
    );
    expect(environment).toMatchObject({
      DATABASE_URL: 'postgres://ours',
      CARILLON_ADMIN_KEY: 'sk_admin_ours',
      CARILLON_MIGRATE: 'false',
    });
  });
});

describe('the environment that npm start is given', () => {
  it('is refused when a setting was mistyped, as a replica refuses it', () => {
    expect(() => refuseUnknownSettings({ CARILLON_HANDLER: '/jobs' })).toThrow(
      /CARILLON_HANDLER \(did you mean CARILLON_HANDLERS\?\)/,
    );
  });

  it('may hold settings, what a worker needs, and what Kubernetes says of Services', () => {
    const environment = {
      CARILLON_HANDLERS: '/jobs',
      CARILLON_KEY: 'sk_x',
      CARILLON_SERVICE_HOST: '10.0.0.7',
      HOME: '/',
    };
    expect(() => refuseUnknownSettings(environment)).not.toThrow();
  });
});
