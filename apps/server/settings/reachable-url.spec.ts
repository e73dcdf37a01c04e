// Is an address at which nothing can be called noticed, however it is written, and is the setting that mends it named?
import { describe, expect, it } from 'vitest';
import { ConfigError } from '#kernel/errors.js';
import { readConfig } from './config.js';
import { adviceOnUrls, listeningUrl } from './reachable-url.js';

const required = { DATABASE_URL: 'postgres://carillon@db/carillon' };
const advice = (env: Readonly<Record<string, string>>): string | null =>
  adviceOnUrls(readConfig({ ...required, ...env }));

describe('a replica that listens on every address', () => {
  it.each(['0.0.0.0', '::', '0', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0'])(
    'is advised to say where it is reached: %s',
    (host) => {
      expect(advice({ CARILLON_HOST: host })).toBe(
        `CARILLON_HOST=${host} is no address that can be called, and endpoints that answer 202 get it as their callback URL: ` +
          'set CARILLON_URL to where this replica is reached, or CARILLON_CALLBACK_URL to where endpoints reach the API',
      );
    },
  );

  it('is advised of less when endpoints are told another address', () => {
    expect(advice({ CARILLON_HOST: '0.0.0.0', CARILLON_CALLBACK_URL: 'https://jobs.example' })).toBe(
      'CARILLON_HOST=0.0.0.0 is no address that can be called, and the list of replicas shows it: ' +
        'set CARILLON_URL to where this replica is reached',
    );
  });

  it('needs no advice when it says where it is reached', () => {
    expect(advice({ CARILLON_HOST: '::', CARILLON_URL: 'http://10.0.0.7:8080' })).toBeNull();
  });
});

it.each(['127.0.0.1', '::1', 'replica-1.internal', '10.0.0.7'])('%s needs no advice', (host) => {
  expect(advice({ CARILLON_HOST: host })).toBeNull();
});

it.each(['http://0.0.0.0:8080', 'http://[::]:8080', 'http://0/', 'http://[::ffff:0.0.0.0]'])(
  'no URL of ours can be %s',
  (url) => {
    for (const name of ['CARILLON_URL', 'CARILLON_CALLBACK_URL', 'CARILLON_PUBLIC_URL']) {
      const read = (): unknown => readConfig({ ...required, [name]: url });
      expect(read).toThrow(ConfigError);
      expect(read).toThrow(`${name}: expected an address that can be called, got "${url}"`);
    }
  },
);

it('a password in it is not shown', () => {
  const read = () => readConfig({ ...required, CARILLON_PUBLIC_URL: 'https://us:er-secret@one.example.com' });
  expect(read).toThrow('CARILLON_PUBLIC_URL: expected a URL without a user');
  expect(read).not.toThrow('er-secret');
});

it('the public URL is kept as clients compare it', () => {
  const read = (url: string) => readConfig({ ...required, CARILLON_PUBLIC_URL: url }).CARILLON_PUBLIC_URL;
  expect(read('HTTPS://One.example.com:443/')).toBe('https://one.example.com');
  expect(read('https://bücher.example/carillon//')).toBe('https://xn--bcher-kva.example/carillon');
});

it('an empty host is refused, since it would mean every address', () => {
  expect(() => readConfig({ ...required, CARILLON_HOST: '' })).toThrow(/^CARILLON_HOST: .*got ""$/);
});

it('the URL of an IPv6 address has brackets', () => {
  expect(listeningUrl('::1', 8080)).toBe('http://[::1]:8080');
  expect(listeningUrl('replica-1', 8080)).toBe('http://replica-1:8080');
});
