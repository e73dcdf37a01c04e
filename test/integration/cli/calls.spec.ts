// What do a person and a script get from the command line when something is wrong, is cut short, or takes its time?
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callCarillon, type Circumstances } from '../../support/cli-call.js';
import { ADMIN_KEY, useTestServer } from '../../support/test-server.js';
import {
  createJobType,
  createRun,
  createSchedule,
  createTenant,
  finish,
  useTenant,
} from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-calls-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const call = (words: string, { env, ...more }: Circumstances = {}) =>
  callCarillon(words.split(' '), {
    folder,
    env: { CARILLON_URL: server.url, CARILLON_KEY: tenant.key, ...env },
    ...more,
  });

describe('exit codes', () => {
  it.each([
    [
      'schedules get none',
      {},
      3,
      'Not found (404 NOT_FOUND)\n  expected schedule "none" to exist, found none\n',
    ],
    ['runs ls', { CARILLON_KEY: 'sk_wrong' }, 4, 'No valid API key was sent (401 UNAUTHENTICATED)'],
    ['cluster', {}, 4, 'The key may not do this (403 FORBIDDEN)'],
    ['queues ls --timeout 1', { CARILLON_URL: 'http://127.0.0.1:9' }, 5, 'expected an answer from'],
    [
      'enqueue none',
      {},
      2,
      '/jobType: expected the name of a job type that exists, got "none"\n  to do: mend',
    ],
    ['enqueue echo -p {', {}, 2, '--payload: expected JSON, @FILE or -, got "{"'],
    ['schedules preview s -n 0', {}, 2, 'Expected a whole number from 1 to 1000.'],
    ['schedules audit s --from today', {}, 2, 'Expected an instant such as 2031-01-01T06:00:00Z.'],
    ['runs get ..', {}, 2, 'expected the id of a run, got ..'],
    ['runs list', {}, 2, "unknown command 'list'\n  (Did you mean ls?)"],
    [
      'runs ls --stat x',
      {},
      2,
      "unknown option '--stat'\n  (Did you mean --state?)\n  see carillon runs ls --help",
    ],
    ['runs', {}, 2, 'expected a command (ls, get, logs, retry, cancel), got none'],
    [
      'schedules delete s',
      {},
      2,
      'expected --yes, since no terminal is there to ask whether to delete schedule s',
    ],
  ] as const)('%s', async (words, env, code, err) => {
    const called = await call(words, { env });
    expect(called.err).toContain(err);
    expect(called.code).toBe(code);
    expect(called.err).not.toMatch(/^ +at /m);
  });

  it('a run that fails, or does not end in time, is 1, and one that is over can’t be cancelled: 6', async () => {
    await createJobType(tenant, { name: 'fails-once', target: { kind: 'handler', handler: 'fail' } });
    const failed = await call('enqueue fails-once --wait');
    expect([failed.code, failed.err]).toEqual([
      1,
      expect.stringContaining('dead-lettered: Error: failed as asked'),
    ]);
    const slow = await call('enqueue noop --delay 3600 --wait 0');
    expect([slow.code, slow.err]).toEqual([
      1,
      expect.stringContaining('has not ended within 0 s; it is scheduled'),
    ]);
    const { id } = await finish(tenant);
    const over = await call(`runs cancel ${id} -y`);
    expect([over.code, over.err]).toEqual([6, expect.stringContaining('409 INVALID_STATE')]);
  });

  it('of several runs, those that were acted on before one failed are told', async () => {
    const { id } = await createRun(tenant, { delaySeconds: 3_600 });
    const called = await call(`runs cancel ${id} 01a22837-0000-7000-8000-000000000000 --yes`);
    expect(called.code).toBe(3);
    expect(called.out).toMatch(new RegExp(`^${id}\tcancelled\t`));
  });
});

it('the help of each command tells which API it would call', async () => {
  const called = await call('runs ls --help');
  expect(called).toMatchObject({ code: 0, err: '' });
  expect(called.out).toContain(`url     ${server.url} (the environment)`);
  expect((await call('help runs ls')).out).toBe(called.out);
});

describe('which tenant', () => {
  it('a key that sees one needs no name of it, and one that sees several is told them', async () => {
    expect((await call('queues ls')).code).toBe(0);
    const other = await createTenant(server);
    const called = await call('queues ls', { env: { CARILLON_KEY: ADMIN_KEY } });
    expect(called.code).toBe(2);
    expect(called.err).toContain('tenant: expected --tenant');
    expect(called.err).toContain(other.name);
  });

  it('a suspended tenant is not well', async () => {
    const { name } = await createTenant(server);
    const env = { CARILLON_KEY: ADMIN_KEY, CARILLON_TENANT: name };
    expect((await call('status', { env })).code).toBe(0);
    await call(`tenants suspend ${name} --yes`, { env });
    const called = await call('status', { env });
    expect([called.code, called.out]).toEqual([1, expect.stringContaining('tenantState\tsuspended')]);
  });

  it('`npm start` in the folder is found by itself', async () => {
    const home = await mkdtemp(join(folder, 'home-'));
    const data = join(home, '.data');
    await mkdir(data);
    await writeFile(join(data, 'up.json'), JSON.stringify({ apiUrls: [server.url] }));
    await writeFile(join(data, 'admin-key'), `${ADMIN_KEY}\n`);
    const called = await callCarillon(['tenants', 'get', tenant.name], { folder: home });
    expect([called.code, called.err]).toEqual([0, '']);
  });
});

describe('people at a terminal', () => {
  it('are asked, and see a table', async () => {
    const { name } = await createSchedule(tenant);
    const no = await call(`schedules delete ${name}`, { answer: 'n' });
    expect([no.code, no.err]).toEqual([1, 'carillon: nothing was done: expected y or yes, got "n"\n']);
    const yes = await call(`schedules delete ${name}`, { answer: 'y', env: { NO_COLOR: '1' } });
    expect(yes.out).toMatch(/^NAME +RESULT\nschedule-\w+ +deleted\n$/);
  });
});

describe('lists', () => {
  it('are cut at the limit, which is told, and are JSON as a whole or by lines', async () => {
    for (let count = 0; count < 3; count += 1)
      await createRun(tenant, { delaySeconds: 3_600, tags: ['cut'] });
    const cut = await call('runs ls --tag cut --limit 2 -o json');
    expect(JSON.parse(cut.out)).toHaveLength(2);
    expect(cut.err).toContain('these are the first 2, and there are more');
    const all = await call('runs ls --tag cut --limit 3 -o ndjson');
    expect(
      all.out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { tags: string[] }).tags),
    ).toEqual([['cut'], ['cut'], ['cut']]);
    expect(all.err).toBe('');
  });
});

describe('Ctrl-C', () => {
  it.each([['runs logs -f'], ['enqueue sleep -p {"ms":600000} --wait'], ['cluster --watch 1']])(
    'ends %s with 130',
    async (words) => {
      const { id } = await createRun(tenant, { delaySeconds: 3_600 });
      const env = { CARILLON_KEY: ADMIN_KEY, CARILLON_TENANT: tenant.name };
      const interrupt = new AbortController();
      let printed = 0;
      const called = call(words.endsWith('-f') ? `${words} ${id}` : words, {
        env,
        signal: interrupt.signal,
        onPrint: () => (printed += 1),
      });
      // The watch goes on after the first round; the others print nothing yet.
      if (words.startsWith('cluster'))
        await until('a second round is printed', () => Promise.resolve(printed > 1));
      interrupt.abort();
      expect(await called).toMatchObject({ code: 130, err: '' });
    },
  );
});

it('a watch goes on while no replica answers', async () => {
  const interrupt = new AbortController();
  let printed = 0;
  const called = call('cluster --watch 1 --timeout 1', {
    env: { CARILLON_URL: 'http://127.0.0.1:9' },
    signal: interrupt.signal,
    onPrint: () => (printed += 1),
  });
  await until('it has said so twice', () => Promise.resolve(printed > 1));
  interrupt.abort();
  expect(await called).toMatchObject({ code: 130, err: expect.stringContaining('expected an answer from') });
});

it('an answer of another program than a replica is told as such', async () => {
  const other = createServer((_request, response) => response.writeHead(404).end('<h1>not here</h1>'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const called = await call('queues ls --tenant acme', { env: { CARILLON_URL: `http://127.0.0.1:${port}` } });
  other.close();
  expect(called).toMatchObject({ code: 5, err: expect.stringContaining('this is no answer of a replica') });
});
