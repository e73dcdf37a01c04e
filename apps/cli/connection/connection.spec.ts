// Which API, tenant and key are taken, where several places have one, and to which URL does a key never go?
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliError } from '../cli-error.js';
import { connectionOf, type ConnectionFlags } from './connection.js';
import { connectionLines } from './shown.js';
import { findSources } from './sources.js';

const LOCAL = 'http://127.0.0.1:8080';
const PROFILES = {
  default: 'test',
  profiles: {
    test: { url: 'https://test.example.com', tenant: 'acme', key: 'test-key' },
    real: { url: 'https://a.example.com, https://b.example.com', key: 'real-key' },
  },
};

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'carillon-connection-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const writeProfiles = async (text: string, mode = 0o600): Promise<void> => {
  await mkdir(join(home, 'carillon'));
  const path = join(home, 'carillon/config.json');
  await writeFile(path, text);
  await chmod(path, mode);
};
const writeHere = async (): Promise<void> => {
  await mkdir(join(home, '.data'));
  await writeFile(join(home, '.data/up.json'), JSON.stringify({ apiUrls: [LOCAL] }));
  await writeFile(join(home, '.data/admin-key'), 'admin-key\n');
};
const taken = async (flags: ConnectionFlags = {}, env: Record<string, string> = {}) => {
  const sources = await findSources({ XDG_CONFIG_HOME: home, ...env }, home);
  const { urls, tenant, key } = connectionOf(flags, sources);
  return [urls?.value.join(' '), tenant?.value, key?.value];
};

describe('with nothing', () => {
  it('nothing is taken', async () => expect(await taken()).toEqual([undefined, undefined, undefined]));
});

describe('with an npm start in the folder', () => {
  beforeEach(writeHere);

  it('that is taken, with the key of an administrator', async () =>
    expect(await taken()).toEqual([LOCAL, undefined, 'admin-key']));

  it('its URLs are those of this machine', async () => {
    await writeFile(join(home, '.data/up.json'), JSON.stringify({ apiUrls: ['https://a.example.com'] }));
    expect(await taken({}, { CARILLON_KEY: 'k' })).toEqual([undefined, undefined, 'k']);
  });

  it.each(['http://127.0.0.1:1/,http://a.example.com', 'http://127.0.0.1 http://a.example.com'])(
    'one of them is one: %s',
    async (url) => {
      await writeFile(join(home, '.data/up.json'), JSON.stringify({ apiUrls: [url] }));
      expect((await taken({}, { CARILLON_KEY: 'k' }))[0]).toBeUndefined();
      expect((await taken({ url: 'http://127.0.0.1:1,http://a.example.com' }))[2]).toBeUndefined();
    },
  );

  it('a pipe in place of its file is left alone', async () => {
    await rm(join(home, '.data/up.json'));
    execFileSync('sh', ['-c', `mkfifo '${join(home, '.data/up.json')}'`]);
    expect((await taken())[0]).toBeUndefined();
  });

  it('its key goes to no other machine', async () => {
    expect(await taken({ url: 'http://localhost:9' })).toEqual([
      'http://localhost:9',
      undefined,
      'admin-key',
    ]);
    for (const url of [
      'https://a.example.com',
      `${LOCAL},https://a.example.com`,
      'http://localhost.example.com',
    ])
      expect(await taken({ url })).toContain(undefined);
    expect((await taken({ url: 'http://127.0.0.1.example.com' }))[2]).toBeUndefined();
    expect((await taken({ url: 'http://localhost@example.com' }))[2]).toBeUndefined();
  });
});

describe('with profiles', () => {
  beforeEach(() => writeProfiles(JSON.stringify(PROFILES)));

  it('the default one is taken, or the one that is named', async () => {
    expect(await taken()).toEqual(['https://test.example.com', 'acme', 'test-key']);
    const real = ['https://a.example.com https://b.example.com', undefined, 'real-key'];
    expect(await taken({}, { CARILLON_PROFILE: 'real' })).toEqual(real);
    expect(await taken({ profile: 'real' }, { CARILLON_URL: 'http://c.example.com' })).toEqual(real);
  });

  it('the environment goes before the default, and a flag before that', async () => {
    const env = { CARILLON_URL: 'http://c.example.com', CARILLON_KEY: 'c-key', CARILLON_TENANT: 'globex' };
    expect(await taken({}, env)).toEqual(['http://c.example.com', 'globex', 'c-key']);
    expect(await taken({ url: LOCAL, tenant: 'x', key: 'k' }, env)).toEqual([LOCAL, 'x', 'k']);
    expect(await taken({}, { CARILLON_TENANT: '' })).toContain('acme');
  });

  it('the key of a profile goes to the URL of no other place', async () => {
    expect(await taken({ url: 'http://c.example.com' })).toEqual(['http://c.example.com', 'acme', undefined]);
    expect((await taken({}, { CARILLON_URL: 'http://c.example.com' }))[2]).toBeUndefined();
    expect((await taken({ profile: 'real', key: 'k' }))[2]).toBe('k');
  });

  it('its URL gets no key that the shell has for another place', async () => {
    const env = { CARILLON_KEY: 'local-key' };
    expect(await taken({}, env)).toEqual(['https://test.example.com', 'acme', 'test-key']);
    expect((await taken({ profile: 'real' }, env))[2]).toBe('real-key');
    expect((await taken({ url: LOCAL }, env))[2]).toBe('local-key');
  });

  it('one that is not there is refused by its name', async () => {
    await expect(taken({ profile: 'rael' })).rejects.toThrow(
      /^expected a profile of .*config\.json \(test, real\), got "rael"$/,
    );
  });
});

describe('a file of profiles', () => {
  it.each([
    ['{', /expected JSON, \{ "default": "NAME"/],
    ['[]', /expected the file to be an object/],
    ['{"profile":{}}', /expected no field \/profile;/],
    ['{"profiles":{"a":{"urls":[]}}}', /expected no field \/profiles\/a\/urls;/],
    ['{"profiles":{"a":{"url":7}}}', /expected \/profiles\/a\/url to be a text, got 7/],
    ['{"profiles":{"a":{"key":["secret"]}}}', /expected \/profiles\/a\/key to be a text, got "object"/],
    ['{"default":"b","profiles":{"a":{}}}', /expected \/default to be the name of a profile \(a\), got "b"/],
  ])('%s is refused, with its place', async (text, message) => {
    await writeProfiles(text);
    await expect(taken()).rejects.toThrow(message);
    await expect(taken()).rejects.toBeInstanceOf(CliError);
  });

  it.each(['{"profiles":[{"key":"sk_secret"}]}', '{"profiles":{"a":{"key": sk_secret}}}'])(
    'shows no key of it: %s',
    async (text) => {
      await writeProfiles(text);
      const message = await taken().then(String, String);
      expect(message).toContain('expected');
      expect(message).not.toContain('secret');
    },
  );

  it('that others can read is refused once it holds a key', async () => {
    await writeProfiles(JSON.stringify(PROFILES), 0o640);
    await expect(taken()).rejects.toThrow(
      /others can't read, since a key is in it, got mode 640; run: chmod 600/,
    );
    expect(await taken({ url: 'http://c', tenant: 'x', key: 'k' })).toEqual(['http://c', 'x', 'k']);
    await writeFile(
      join(home, 'carillon/config.json'),
      '{"profiles":{"a":{"url":"http://a"}},"default":"a"}',
    );
    expect(await taken()).toEqual(['http://a', undefined, undefined]);
  });
});

it('is told without the secret of the key', async () => {
  const sources = await findSources({ XDG_CONFIG_HOME: home }, home);
  const key = 'sk_acme_0123456789abcdefghijklmnop';
  expect(connectionLines(connectionOf({ url: LOCAL, key }, sources))).toEqual({
    url: `${LOCAL} (the command line)`,
    tenant: 'none: the only one that the key sees',
    key: 'sk_acme_… (the command line)',
  });
  const { url } = connectionLines(connectionOf({ url: 'http://u:pw@a.example.com/b', key }, sources));
  expect(url).toBe('http://…@a.example.com/b (the command line)');
  expect(connectionLines(connectionOf({ url: LOCAL, key: 'short' }, sources))['key']).toBe(
    '… (the command line)',
  );
});
