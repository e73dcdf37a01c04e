// Is a resource safe from a holder that was frozen for longer than its lease? Told by the programs of docs/LOCKS.md, as they
// stand there: a holder that is stopped as a process with a transaction open, the one that takes the lock from it, and a
// store that compares tokens.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { installClient } from '../../support/installed-client.js';
import { asAdministrator, openClient } from '../../support/rows.js';
import { useTestServer } from '../../support/test-server.js';
import { useTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const LOCK = 'books';

const server = useTestServer();
const tenant = useTenant(server);

/** Holds the programs, and what they import. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-locks-'));
  await installClient(folder, 'pg');
  const page = await readFile(join(ROOT, 'docs/LOCKS.md'), 'utf8');
  for (const [, name = '', code = ''] of page.matchAll(/^```js\n\/\/ (\w+\.mjs)\n(.*?)^```$/gms))
    await writeFile(join(folder, name), code);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function start(program: string, storeUrl = '') {
  const child = spawn(process.execPath, [join(folder, program)], {
    env: {
      ...process.env,
      CARILLON_URL: server.url,
      CARILLON_TENANT: tenant.name,
      CARILLON_KEY: tenant.key,
      DATABASE_URL: asAdministrator(server.databaseUrl),
      STORE_URL: storeUrl,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // Ends a frozen one as well.
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'close') as Promise<[number | null]>;
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  /** What the group of the pattern matches, once the program has said it. */
  const says = (pattern: RegExp): Promise<string> =>
    until(`${program} says ${pattern}`, () => {
      if (child.exitCode !== null) throw new Error(`expected ${pattern}, got the end after ${output}`);
      return pattern.exec(output)?.[1];
    });
  return {
    holds: () => says(/holds the lock with token (\d+)\n/),
    says,
    signal: (name: NodeJS.Signals) => expect(child.kill(name)).toBe(true),
    goOn: async (): Promise<string[]> => {
      const before = output.length;
      child.stdin.write('\n');
      expect(await ended).toEqual([0, null]);
      return output.slice(before).trim().split('\n');
    },
  };
}

it('a frozen holder can write nothing once another holds the lock, however late it wakes', async () => {
  const storeUrl = await start('store.mjs').says(/^(http:\S+)\n/);
  const frozen = start('holder.mjs', storeUrl);
  const old = await frozen.holds();
  frozen.signal('SIGSTOP');

  const next = start('holder.mjs', storeUrl);
  const token = await next.holds();
  expect(Number(token)).toBeGreaterThan(Number(old));
  expect(await next.goOn()).toEqual(['committed', 'stored']);

  frozen.signal('SIGCONT');
  expect(await frozen.goOn()).toEqual([
    `expected lock '${LOCK}' to be held with token ${old}, got one that has expired or was released`,
    `expected token ${token} or a greater one, got ${old}`,
  ]);
  const client = await openClient(server.databaseUrl);
  const { rows } = await client.query('select token from entry');
  expect(rows).toEqual([{ token }]);
  expect(await (await fetch(`${storeUrl}/${LOCK}`)).text()).toBe(`written with ${token}`);
  const checked = client.query('select carillon.check_lock($1, $2, $3)', [tenant.name, LOCK, old]);
  await expect(checked).rejects.toMatchObject({ code: '55000' });
});
