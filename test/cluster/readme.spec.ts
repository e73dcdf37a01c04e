// Can a newcomer follow the README word for word? Its shell blocks are run as they stand, in order, in a
// copy of the repository: the first starts everything, the others use it, and each command must succeed.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../support/until.js';

const ROOT = resolve(import.meta.dirname, '../..');
let folder: string;
let up: ChildProcess;
let output = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-readme-'));
  // As root, PostgreSQL runs as another user, which must be able to reach its data here.
  await chmod(folder, 0o711);
  const { stdout } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  for (const file of stdout.split('\0').filter((name) => name !== '' && existsSync(join(ROOT, name)))) {
    await cp(join(ROOT, file), join(folder, file), { recursive: true, preserveTimestamps: true });
  }
  // What the first command would install and build is there already; an installation has a test of its own in CI.
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await cp(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true, preserveTimestamps: true });
});

afterAll(async () => {
  up.kill('SIGTERM');
  await until('everything has stopped', () => up.exitCode !== null || up.signalCode !== null, 400_000);
  await rm(folder, { recursive: true, force: true });
});

async function shellBlocks(): Promise<string[]> {
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  return [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

it('its commands work as they are written', async () => {
  const [start = '', ...use] = await shellBlocks();
  expect(use.length).toBeGreaterThanOrEqual(3);
  up = spawn('bash', ['-c', `exec ${start.trim()}`], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [up.stdout, up.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(
    'it says that it is ready',
    () => {
      if (up.exitCode !== null)
        throw new Error(`expected npm start to go on, got exit code ${up.exitCode}:\n${output}`);
      return output.includes('Ready after');
    },
    90_000,
  );
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-euo', 'pipefail', '-c', use.join('\n')], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
  });
  expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('"sleptMs":2000');
  expect(stdout).toMatch(/"outcome":"(fired|late)"/);
});

it('fits on three screens', async () => {
  expect((await readFile(join(ROOT, 'README.md'), 'utf8')).trimEnd().split('\n').length).toBeLessThanOrEqual(
    150,
  );
});
