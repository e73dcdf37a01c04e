// Is the command line a good process: quick to start, silent when its reader leaves, ended by Ctrl-C, and with the files of
// the folder in which it is called?
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN_KEY, useTestServer } from '../../support/test-server.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const MAIN = join(ROOT, 'dist/apps/cli/main.js');
const run = promisify(execFile);

const server = useTestServer();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-process-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const environment = (more: Record<string, string> = {}) => ({
  PATH: process.env['PATH'],
  HOME: folder,
  CARILLON_URL: server.url,
  CARILLON_KEY: ADMIN_KEY,
  ...more,
});

/** Tells at the end which packages were loaded. */
const LISTING = `
import { registerHooks } from 'node:module';
const packages = new Set();
registerHooks({
  load(url, context, next) {
    const [, name] = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url) ?? [];
    if (name !== undefined) packages.add(name);
    return next(url, context);
  },
});
process.once('exit', () => process.stderr.write([...packages].toSorted().join(' ')));
`;

it('loads commander alone, so that it starts at once', async () => {
  const listing = join(folder, 'listing.mjs');
  await writeFile(listing, LISTING);
  for (const words of ['tenants ls', 'schedules ls --help', 'config show']) {
    const args = ['--import', listing, MAIN, ...words.split(' ')];
    const { stderr } = await run(process.execPath, args, { cwd: folder, env: environment() });
    expect(stderr).toBe('commander');
  }
});

it('says nothing when its reader has left', async () => {
  const words = `"${process.execPath}" "${MAIN}" completion fish | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await run('bash', ['-c', words], { cwd: folder, env: environment() });
  expect([stdout, stderr]).toEqual(['141\n', '']);
});

it('says all of it to a slow reader', async () => {
  const words = `"${process.execPath}" "${MAIN}" openapi | (sleep 2; wc -c)`;
  const { stdout } = await run('bash', ['-c', words], { cwd: folder, env: environment() });
  const { size } = await stat(join(ROOT, 'docs/openapi.json'));
  expect(Number(stdout)).toBe(size);
});

it('ends a watch with 130 at Ctrl-C', async () => {
  const watch = spawn(process.execPath, [MAIN, 'cluster', '--watch', '1'], {
    cwd: folder,
    env: environment(),
  });
  const ended = once(watch, 'close');
  let said = '';
  watch.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(watch.stdout, 'data');
  watch.kill('SIGINT');
  expect([await ended, said]).toEqual([[130, null], '']);
});

it('finds the files of the folder in which it is called, in a clone too', async () => {
  await writeFile(join(folder, 'given.yaml'), '[');
  const args = [join(ROOT, 'apps/cli/bootstrap.mjs'), 'schedules', 'diff', '-f', 'given.yaml'];
  const env = environment({ CARILLON_TENANT: 'acme' });
  const ended = run(process.execPath, args, { cwd: folder, env });
  await expect(ended).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^carillon: given\.yaml: expected YAML or JSON/m),
  });
});
