// Is every setting that can't be refused in words that mend it, and is no secret among those words?
import { describe, expect, it } from 'vitest';
import { ConfigError } from '#kernel/errors.js';
import { readConfig, settings } from './config.js';

const required = { DATABASE_URL: 'postgres://carillon@db/carillon' };

/** What an operator reads who started a replica like this. */
function complaint(env: Readonly<Record<string, string>>): string {
  try {
    readConfig({ ...required, ...env });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  return 'none';
}

describe('settings', () => {
  it('need a database and nothing else', () => {
    expect(readConfig(required)).toMatchObject({
      DATABASE_URL: required.DATABASE_URL,
      CARILLON_HOST: '127.0.0.1',
      CARILLON_PORT: 8080,
      CARILLON_ROLES: ['api', 'scheduler', 'worker'],
      CARILLON_MIGRATE: true,
      CARILLON_BUILT_IN_JOBS: false,
      CARILLON_HTTP_ALLOWED_HOSTS: [],
      cluster: {
        heartbeatMs: 1_000,
        deadAfterMs: 5_000,
        marginMs: 1_000,
        electionMs: 500,
        sweepMs: 300,
        crashedAfterMs: 150,
      },
    });
  });

  it('come as numbers, flags and lists', () => {
    const config = readConfig({
      ...required,
      CARILLON_PORT: '0',
      CARILLON_MIGRATE: 'false',
      CARILLON_ROLES: ' api, worker ,',
      CARILLON_HTTP_ALLOWED_HOSTS: 'hooks.internal,10.0.0.7',
    });
    expect(config).toMatchObject({
      CARILLON_PORT: 0,
      CARILLON_MIGRATE: false,
      CARILLON_ROLES: ['api', 'worker'],
      CARILLON_HTTP_ALLOWED_HOSTS: ['hooks.internal', '10.0.0.7'],
    });
  });

  it('that allow hosts name each entry that is none', () => {
    const told = complaint({ CARILLON_HTTP_ALLOWED_HOSTS: 'hooks.internal, 10.0.0.0/8, http://a.internal' });
    expect(told.split('\n')).toEqual([
      expect.stringMatching(
        /^CARILLON_HTTP_ALLOWED_HOSTS: expected each entry to be a host .*, but entry 2 is "10\.0\.0\.0\/8", got "hooks/,
      ),
      expect.stringMatching(/, but entry 3 is "http:\/\/a\.internal", got /),
    ]);
    const { CARILLON_HTTP_ALLOWED_HOSTS: hosts } = readConfig({
      ...required,
      CARILLON_HTTP_ALLOWED_HOSTS: 'Hooks.Internal:8080,[FD00::0:7]:443',
    });
    expect(hosts).toEqual(['hooks.internal:8080', '[fd00::7]:443']);
  });

  it('for others are none of our business', () => {
    expect(complaint({ PATH: '/usr/bin', CARILLONS: 'many', PGHOST: 'db' })).toBe('none');
  });

  it('all say what they mean', () => {
    const silent = Object.entries(settings.shape).filter(
      ([, setting]) => !setting.description?.endsWith('.'),
    );
    expect(silent.map(([name]) => name)).toEqual([]);
  });
});

describe('a setting that can not be', () => {
  it.each([
    ['CARILLON_PORT', '65536'],
    ['CARILLON_PORT', '-1'],
    ['CARILLON_PORT', '80.5'],
    ['CARILLON_PORT', 'http'],
    ['CARILLON_PORT_FALLBACK', 'yes'],
    ['CARILLON_NAME', ''],
    ['CARILLON_ROLES', 'api,leader'],
    ['CARILLON_ROLES', ' , '],
    ['CARILLON_WEIGHT', '0'],
    ['CARILLON_MIGRATE', '1'],
    ['CARILLON_BUILT_IN_JOBS', 'TRUE'],
    ['CARILLON_MAX_RUNNING', '0'],
    ['CARILLON_MAX_HELD', '100001'],
    ['CARILLON_WORK_CONNECTIONS', '1'],
    ['CARILLON_API_CONNECTIONS', '0'],
    ['CARILLON_DRAIN_SECONDS', '-1'],
    ['CARILLON_FIRE_RETENTION_DAYS', '0'],
    ['CARILLON_HISTORY_RETENTION_DAYS', '3651'],
    ['CARILLON_HEARTBEAT_MS', '49'],
    ['CARILLON_DEAD_AFTER_MS', '600001'],
    ['CARILLON_LOG_LEVEL', 'loud'],
    ['CARILLON_PUBLIC_URL', 'ftp://one.example.com'],
    ['CARILLON_PUBLIC_URL', 'https://one.example.com/?a=b'],
  ])('is named with what was expected and what was got: %s=%s', (name, value) => {
    const message = complaint({ [name]: value });
    expect(message).toMatch(new RegExp(`^${name}\\b.*expected`));
    expect(message).toContain(`got ${JSON.stringify(value)}`);
    expect(message.split('\n')).toHaveLength(1);
  });

  it('is named even if it is missing', () => {
    expect(() => readConfig({})).toThrow(/^DATABASE_URL: expected a postgres:\/\/ URL, got nothing$/);
    const wrong = () => readConfig({ ...required, CARILLON_WEIGHT: '101', CARILLON_LIVENESS: 'locks' });
    expect(wrong).toThrow('CARILLON_WEIGHT: expected at most 100, got "101"');
    expect(wrong).toThrow('CARILLON_LIVENESS: expected "sessions" or "heartbeats", got "locks"');
  });

  it('is named beside all the others that can not be', () => {
    const message = complaint({ CARILLON_PORT: 'http', CARILLON_WEIGHT: '0', CARILLON_MIGRATE: 'no' });
    expect(message.split('\n').map((line) => line.split(':')[0])).toEqual([
      'CARILLON_PORT',
      'CARILLON_WEIGHT',
      'CARILLON_MIGRATE',
    ]);
  });

  it.each(['CARILLON_PORT', 'CARILLON_DRAIN_SECONDS'])('is named even if it is empty: %s', (name) => {
    expect(complaint({ [name]: '' })).toContain(name);
  });
});

describe('a secret', () => {
  const secret = 'hunter2-and-more';

  it.each([
    ['DATABASE_URL', `mysql://carillon:${secret}@db/carillon`],
    ['DATABASE_SESSION_URL', `${secret}@db`],
    ['CARILLON_ADMIN_KEY', secret],
  ])('is not shown when it is wrong, only how long it is: %s', (name, value) => {
    const message = complaint({ [name]: value });
    expect(message).toMatch(
      new RegExp(`^${name}\\b.*expected.*got ${value.length} characters \\(not shown\\)$`),
    );
    expect(message).not.toContain(secret);
  });

  it.each([
    ['another setting is wrong', { CARILLON_PORT: 'http' }],
    ['another setting does not exist', { CARILLON_PROT: '80' }],
    ['two durations do not go together', { CARILLON_HEARTBEAT_MS: '60000' }],
  ])('is not shown when %s', (_what, env) => {
    const message = complaint({
      DATABASE_URL: `postgres://carillon:${secret}@db/carillon`,
      CARILLON_ADMIN_KEY: secret.repeat(3),
      ...env,
    });
    expect(message).not.toBe('none');
    expect(message).not.toContain(secret);
  });

  it('is not shown when its name was mistyped', () => {
    const message = complaint({ CARILLON_ADMIN_KEYS: secret });
    expect(message).toContain('got CARILLON_ADMIN_KEYS (did you mean CARILLON_ADMIN_KEY?);');
    expect(message).not.toContain(secret);
  });
});

describe('a name that looks like ours', () => {
  it('is refused if it is none, with all that exist', () => {
    const message = complaint({ CARILLON_PROT: '80', CARILLON_TOTAL: '1' });
    expect(message).toContain('got CARILLON_PROT (did you mean CARILLON_PORT?), CARILLON_TOTAL;');
    for (const name of Object.keys(settings.shape)) expect(message).toContain(name);
  });
});

describe('the durations of the cluster', () => {
  it('follow from `deadAfterMs`', () => {
    const config = readConfig({ ...required, CARILLON_HEARTBEAT_MS: '100', CARILLON_DEAD_AFTER_MS: '601' });
    expect(config.cluster).toMatchObject({
      heartbeatMs: 100,
      deadAfterMs: 601,
      marginMs: 121,
      sweepMs: 75,
      crashedAfterMs: 37,
    });
  });

  it('are refused when they do not go together', () => {
    expect(complaint({ CARILLON_DEAD_AFTER_MS: '2999' })).toBe(
      'CARILLON_DEAD_AFTER_MS: expected at least 3 times CARILLON_HEARTBEAT_MS (3000), got 2999',
    );
  });

  it('may be as short as their settings say', () => {
    expect(complaint({ CARILLON_HEARTBEAT_MS: '50', CARILLON_DEAD_AFTER_MS: '150' })).toBe('none');
  });
});

describe('prepared statements', () => {
  const pooled = { DATABASE_SESSION_URL: 'postgres://direct/carillon' };

  it.each([
    ['on a direct way to the database', {}, true],
    ['when both ways are the same', { DATABASE_SESSION_URL: required.DATABASE_URL }, true],
    ['not past which sessions go another way', pooled, false],
    ['not by heartbeats alone', { CARILLON_LIVENESS: 'heartbeats' }, false],
    ['when told to', { ...pooled, CARILLON_PREPARED_STATEMENTS: 'true' }, true],
    ['not when told not to', { CARILLON_PREPARED_STATEMENTS: 'false' }, false],
  ])('are used %s', (_, env, expected) => {
    expect(readConfig({ ...required, ...env }).preparesStatements).toBe(expected);
  });

  it('are wanted or not', () => {
    expect(complaint({ CARILLON_PREPARED_STATEMENTS: 'yes' })).toContain('CARILLON_PREPARED_STATEMENTS');
  });
});
