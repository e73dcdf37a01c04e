// Do the two packages work where they are installed? `npm run pack` is run, its tarballs are installed outside of the
// repository, the README of the client is compiled there word for word, and run on the oldest Node against a replica.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { VERSION } from '#server/version.js';
import { bring, expectCompiles, newApplication, usePacked } from '../../support/packed.js';
import { oldestNode } from '../../support/oldest-node.js';
import { useTestServer } from '../../support/test-server.js';
import { useTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../../..');
const NODE = oldestNode();

const server = useTestServer();
const tenant = useTenant(server);
const environment = () => ({
  PATH: process.env['PATH'],
  CARILLON_URL: server.url,
  CARILLON_TENANT: tenant.name,
  CARILLON_KEY: tenant.key,
});

const packed = usePacked();
const application = (type: 'module' | 'commonjs') => newApplication(packed, type);

/** The files of its README, each named in its first line. */
async function writeReadme(home: string): Promise<void> {
  const text = await readFile(join(home, 'node_modules/carillon/README.md'), 'utf8');
  const files = [...text.matchAll(/^```ts\n\/\/ (\S+)\n(.*?)^```$/gms)];
  expect(files.map(([, name]) => name)).toEqual(['jobs.ts', 'worker.ts', 'app.ts']);
  for (const [, name = '', code = ''] of files) await writeFile(join(home, name), code);
}

const OUTDATED = ['--ignoreDeprecations', '6.0'];
const TYPED = `
import { defineJob, remoteHandler, type StandardSchemaV1 } from 'carillon';

declare const payload: StandardSchemaV1<unknown, { to: string }>;
const job = defineJob({ name: 'invoice.send', payload });
export const sends = remoteHandler(job, ({ payload: { to } }, { log }) => log.info(to));
// @ts-expect-error -- it has types, and is not just any value
export const misses = remoteHandler(job, ({ payload: { from } }) => from);
`;

describe('carillon', () => {
  it('brings no other package, no test and no file of the server', async () => {
    const home = await application('module');
    const installed = await readdir(join(home, 'node_modules'));
    expect(installed.filter((name) => !name.startsWith('.'))).toEqual(['carillon']);
    const at = join(home, 'node_modules/carillon');
    const manifest = JSON.parse(await readFile(join(at, 'package.json'), 'utf8')) as object;
    expect(manifest).toMatchObject({ version: VERSION, sideEffects: false, engines: { node: '>=20.19' } });
    // A framework is for its sub-path, and for those who have it.
    expect(Object.keys(manifest).filter((key) => /dependencies$|scripts/i.test(key))).toEqual([
      'peerDependencies',
    ]);
    const optional = { optional: true };
    expect(manifest).toHaveProperty('peerDependenciesMeta', {
      '@nestjs/common': optional,
      '@nestjs/core': optional,
    });
    const entries = await readdir(at, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const others = files
      .map((file) => file.slice(at.length + 1))
      .filter((file) => !/^types\/(cjs|esm)\/(client|kernel)\/[a-z/-]+(\.repository)?\.d\.ts$/.test(file));
    const code = ['index', 'nest', 'testing'].flatMap((name) =>
      ['cjs', 'cjs.map', 'js', 'js.map'].map((end) => `${name}.${end}`),
    );
    const expected = ['LICENSE', 'README.md', ...code, 'package.json', 'types/cjs/package.json'];
    expect(others.toSorted()).toEqual(expected.toSorted());
    const [map = '', nestMap = ''] = await Promise.all(
      ['index', 'nest'].map((name) => readFile(join(at, `${name}.js.map`), 'utf8')),
    );
    const { sources } = JSON.parse(map) as { sources: string[] };
    // The framework's users have it in the same client, and no other user has it.
    expect(sources.filter((name) => /\/(nest|testing)\//.test(name))).toEqual([]);
    expect(nestMap).not.toContain('run-worker.ts');
    expect(sources.filter((name) => !/^libs\/(client|kernel)\//.test(name))).toEqual([]);
  });

  it('does what its README says, imported', async () => {
    const home = await application('module');
    await bring(home, 'zod');
    await writeReadme(home);
    const types = ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node'];
    await expectCompiles(home, 'app.ts', 'worker.ts', '--module', 'nodenext', '--skipLibCheck', ...types);
    const worker = spawn(NODE, ['worker.js'], {
      cwd: home,
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    onTestFinished(() => void worker.kill('SIGKILL'));
    const ended = once(worker, 'close');
    let said = '';
    worker.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    await until('the worker has registered', async () => {
      expect(worker.exitCode, said).toBeNull();
      return (await tenant.api.get(`${tenant.path}/job-types/invoice.send`)).status === 200;
    });
    const { stdout } = await run(NODE, ['app.js'], { cwd: home, env: environment() });
    expect(stdout).toMatch(/^succeeded \{ as: '[0-9a-f-]+', sent: 'ada@example\.com' \}\n$/);
    worker.kill('SIGTERM');
    expect(await ended, said).toEqual([0, null]);
  });

  // Our declaration files are checked, too, and neither Kysely nor Node's types are there, which they might miss.
  it.each([
    ['module', 'a recent Node', ['--module', 'nodenext']],
    ['module', 'a bundler', ['--module', 'esnext', '--moduleResolution', 'bundler']],
    ['commonjs', 'Node 16', ['--module', 'node16']],
    ['commonjs', 'an old Node', ['--module', 'commonjs', '--moduleResolution', 'node10', ...OUTDATED]],
  ] as const)('has types for a %s, resolved as by %s', async (type, _whom, options) => {
    const home = await application(type);
    await writeFile(join(home, 'app.ts'), TYPED);
    await expectCompiles(
      home,
      'app.ts',
      '--noEmit',
      '--lib',
      'ES2022,DOM',
      '--skipDefaultLibCheck',
      ...options,
    );
  });

  it('brings the test kit, whose errors are those of the main entry', async () => {
    for (const type of ['module', 'commonjs'] as const) {
      const home = await application(type);
      await bring(home, 'zod');
      await writeFile(join(home, 'app.ts'), TESTED);
      const types = ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node'];
      const options = ['--module', 'nodenext', '--skipLibCheck', ...types];
      await expectCompiles(home, 'app.ts', ...options);
      expect((await run(NODE, ['app.js'], { cwd: home })).stdout).toBe('succeeded 3 true\n');
    }
  });

  it('works where one part of an application imports it and another requires it', async () => {
    const home = await application('commonjs');
    await writeFile(join(home, 'app.js'), TWO_COPIES);
    const { stdout } = await run(NODE, ['app.js'], { cwd: home, env: environment() });
    expect(stdout).toBe('cancelled moot\n');
  });
});

const TESTED = `
import { defineJob, InvalidPayloadError, remoteHandler } from 'carillon';
import { attempt } from 'carillon/testing';
import { z } from 'zod';

const job = defineJob({ name: 'count', payload: z.object({ text: z.string() }), output: z.number() });
const counting = remoteHandler(job, ({ payload }) => payload.text.length);

async function main(): Promise<void> {
  const { outcome, output } = await attempt(counting, { text: 'abc' });
  const refused: unknown = await attempt(counting, {}).catch((error: unknown) => error);
  console.log(outcome, output, refused instanceof InvalidPayloadError);
}
void main();
`;

const TWO_COPIES = `
const { CancelRun, createClient, defineJob, NoAnswer } = require('carillon');
const { setTimeout: rest } = require('node:timers/promises');
const { CARILLON_URL: url, CARILLON_TENANT: tenant, CARILLON_KEY: key } = process.env;
const any = { '~standard': { version: 1, vendor: 'app', validate: (value) => ({ value }) } };
const job = defineJob({ name: 'moot', payload: any });

async function main() {
  const imported = await import('carillon');
  if (imported.CancelRun === CancelRun) throw new Error('expected two copies, got one');
  const handlers = [imported.remoteHandler(job, () => { throw new CancelRun('moot'); })];
  const worker = imported.runWorker({ url, tenant, key, handlers });
  const client = createClient({ url, tenant, key });
  const enqueue = () => client.enqueue(job, {}).catch((error) => { if (error.status !== 422) throw error; });
  let made;
  while ((made = await enqueue()) === undefined) await rest(50); // until the worker has registered its job
  const run = await client.result(made.id, { wait: 60 });
  console.log(run.state, run.error.message);
  await worker.stop();
}
void main();
`;

describe('carillon-server', () => {
  it('is the program without its tests, and runs from the current folder', async () => {
    const home = await mkdtemp(join(packed.folder, 'server-'));
    await run('tar', ['-xzf', packed.tarballs[1] ?? '', '-C', home]);
    const files = await readdir(join(home, 'package'), { recursive: true });
    expect(files.filter((file) => /\.spec\.|^(test|libs|dist\/npm)\//.test(file))).toEqual([]);
    // What npm would install beside it is there already.
    const modules = join(home, 'node_modules');
    await mkdir(modules);
    for (const name of await readdir(join(ROOT, 'node_modules')))
      await symlink(join(ROOT, 'node_modules', name), join(modules, name));
    await cp(join(home, 'package'), join(modules, 'carillon-server'), { recursive: true });
    const manifest = await readFile(join(home, 'package/package.json'), 'utf8');
    const { bin } = JSON.parse(manifest) as { bin: { carillon: string } };
    const command = join(modules, 'carillon-server', bin.carillon);
    expect((await run(NODE, [command, 'ring'], { cwd: home })).stdout).toContain('max/fair');
    const doctor = () => {
      const ended = run(NODE, [command, 'doctor'], { cwd: home, env: { PATH: process.env['PATH'] } });
      return ended.catch((error: { stdout: string; stderr: string }) => error);
    };
    expect((await doctor()).stderr).toContain('no npm start runs here');
    expect(await readdir(home)).toEqual(['node_modules', 'package']);
    await mkdir(join(home, '.data'));
    const { databaseUrl } = server;
    const up = { apiUrls: [], docsUrl: '', adminKey: '', databaseUrl, pid: process.pid, replicas: [] };
    await writeFile(join(home, '.data/up.json'), JSON.stringify(up));
    expect((await doctor()).stdout).toMatch(/^ok /m);
  });
});
